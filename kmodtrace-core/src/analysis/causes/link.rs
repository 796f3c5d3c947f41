//! The look-up of duplicates, symbols, relocation and what makes the module COMING.

use super::Cause;
use crate::model::Function as F;
use crate::model::Stage as S;

/// They share the function: `add_unformed_module` is inlined nearly everywhere.
const LOOK_UP: &[&str] = &["add_unformed_module", "module_patient_check_exists", "load_module"];

causes! {
    ALREADY_LIVE = Cause::new("already-live", "module is loaded already", S::DuplicateCheck, &["EEXIST"])
        .by(LOOK_UP)
        .between(F::CheckModstructVersion, F::ResolveSymbol)
        .means(
            "a module of this name is LIVE, perhaps since another task's load for which this one waited",
            "nothing: the module is there, and kmod takes it for success; parameters given here have no effect",
        );
    GOING = Cause::new("going", "old module is going away", S::DuplicateCheck, &["EBUSY"])
        .by(LOOK_UP)
        .between(F::CheckModstructVersion, F::ResolveSymbol)
        .means(
            "a module of this name was being unloaded, or its init had just failed: it is refused at once",
            "load again a little later; see who unloads it, or why its init fails",
        );
    LEADER_FAILED = Cause::new("leader-failed", "the load waited for failed", S::DuplicateCheck, &["EBUSY"])
        .by(LOOK_UP)
        .between(F::CheckModstructVersion, F::ResolveSymbol)
        .means(
            "another task was loading a module of this name; this one waited, and that load failed or the module vanished: \
             the errno of the other task is not passed on",
            "find out why the other task's load failed; this one would have failed likewise",
        );
    SIGNAL_SAME_NAME = Cause::new(
        "signal-same-name",
        "signal while waiting for the same name",
        S::DuplicateCheck,
        &["ERESTARTSYS", "EINTR"],
    )
    .by(LOOK_UP)
    .between(F::CheckModstructVersion, F::ResolveSymbol)
    .means(
        "a signal came while the task waited for another task's load of this name",
        "see who sent it: udev kills workers that take too long; the module may still be loading",
    );
    SHARED_LOAD = Cause::new("shared-load", "result of another task's load", S::SharedLoad, &[])
        .or_any()
        .by(&["idempotent_init_module"])
        .means(
            "another task was loading the same file, and this one got its result, whatever parameters it had itself",
            "find out why the other task's load failed",
        )
        .on("6.5 and later");
    SIGNAL_SAME_INODE = Cause::new(
        "signal-same-inode",
        "signal while waiting for the same file",
        S::SharedLoad,
        &["EINTR", "ERESTARTSYS"],
    )
    .by(&["idempotent_init_module"])
    .means(
        "a signal came while the task waited for another task's load of the same file",
        "see who sent it: udev kills workers that take too long; the load goes on without this task",
    )
    .on("6.11 and later, and stable kernels from 6.6.46 and 6.10.5 on");
    CONSTRUCTORS = Cause::new(
        "constructors",
        "two kinds of constructors",
        S::Layout,
        &["EINVAL"],
    )
    .by(&["load_module", "find_module_sections"])
    .between(F::FindModuleAll, F::ResolveSymbol)
    .logs(&["has both .ctors and .init_array"])
    .means(
        "the module has both .ctors and .init_array",
        "build all of the module with one compiler and one set of binutils",
    )
    .on("with CONFIG_CONSTRUCTORS");
    UNKNOWN_SYMBOL = Cause::new("unknown-symbol", "unknown symbol", S::Symbols, &["ENOENT"])
        .by(&["resolve_symbol", "load_module"])
        .between(F::FindModuleAll, F::ApplyRelocateAdd)
        .logs(&["(err -2)", "using GPL-only symbols uses symbols"])
        .means(
            "the kernel and its modules export no such symbol, or only to GPL modules",
            "load the module that exports it first (modprobe does after depmod -a); where the kernel itself has it (/proc/kallsyms), it \
             is for GPL modules only, or the module was built for another kernel",
        );
    SYMBOL_VERSION = Cause::new("symbol-version", "symbol of another version", S::Symbols, &["EINVAL"])
        .by(&["resolve_symbol", "check_version", "load_module"])
        .between(F::FindModuleAll, F::ApplyRelocateAdd)
        .logs(&["disagrees about version of symbol", "no symbol version for"])
        .means(
            "the CRC of a symbol differs: the module was built against another kernel, or another build of its dependency",
            "build the module, and those it depends on, against the headers of exactly this kernel",
        )
        .on("with CONFIG_MODVERSIONS");
    NAMESPACE = Cause::new("namespace", "symbol namespace not imported", S::Symbols, &["EINVAL", "EPERM"])
        .by(&["resolve_symbol", "load_module"])
        .between(F::FindModuleAll, F::ApplyRelocateAdd)
        .logs(&["but does not import it", "imports module namespace"])
        .means(
            "the module uses a symbol of a namespace that it does not import (7.x: or imports a \"module:\" namespace, EPERM)",
            "add MODULE_IMPORT_NS to the module",
        );
    DEPENDENCY_COMING = Cause::new("dependency-coming", "dependency not ready", S::Symbols, &["EBUSY"])
        .by(&["resolve_symbol", "resolve_symbol_wait", "load_module"])
        .between(F::FindModuleAll, F::ApplyRelocateAdd)
        .logs(&["gave up waiting for init of module", "(err -16)"])
        .means(
            "a module that exports a symbol was still in its init function after 30 s, or a signal ended the wait",
            "find out what that module's init waits for; an init that requests modules can wait for its own users",
        );
    DEPENDENCY_GOING = Cause::new("dependency-going", "dependency going away", S::Symbols, &["ENOENT"])
        .by(&["resolve_symbol", "load_module"])
        .between(F::FindModuleAll, F::ApplyRelocateAdd)
        .means(
            "the module that exports a symbol was being unloaded, or its init had failed",
            "load again a little later; see who unloads the dependency",
        );
    COMMON_SYMBOL = Cause::new("common-symbol", "common symbol", S::Symbols, &["ENOEXEC"])
        .by(&["load_module", "simplify_symbols"])
        .between(F::FindModuleAll, F::ApplyRelocateAdd)
        .logs(&["please compile with -fno-common"])
        .means("the module has a common symbol", "compile it with -fno-common");
    BAD_SECTION_INDEX = Cause::new("bad-section-index", "bad section index", S::Symbols, &["ENOEXEC"])
        .by(&["load_module", "simplify_symbols", "elf_validity_check"])
        .between(F::FindModuleAll, F::ApplyRelocateAdd)
        .logs(&["has an invalid section index"])
        .means(
            "a symbol of the module is in a section that does not exist",
            "install the module again; it is damaged",
        );
    RELOCATION = Cause::new("relocation", "relocation impossible", S::Relocation, &["ENOEXEC"])
        .by(&["apply_relocate_add", "apply_relocate", "module_finalize"])
        .between(F::ApplyRelocateAdd, F::StrndupUser)
        .logs(&[
            "invalid relocation target",
            "overflow in relocation type",
            "Unknown rela relocation",
            "unsupported RELA relocation",
            "existing value is nonzero",
            "relocation overflow",
        ])
        .means(
            "a relocation overflows, has an unknown type, or its target is not empty",
            "build the module with the kernel's own flags and toolchain; else the file is damaged",
        );
    BAD_ARGUMENTS_ADDRESS = Cause::new("bad-arguments-address", "arguments not readable", S::Arguments, &["EFAULT"])
        .by(&["strndup_user"])
        .between(F::ModuleFinalize, F::StrndupUser)
        .means(
            "the address of the argument string is not memory of the caller",
            "hand over a string; an empty one where there are no arguments, never NULL",
        );
    ARGUMENTS_TOO_LONG = Cause::new("arguments-too-long", "arguments too long", S::Arguments, &["EINVAL"])
        .by(&["strndup_user"])
        .between(F::ModuleFinalize, F::StrndupUser)
        .means("the argument string has no end", "shorten the arguments");
    DUPLICATE_EXPORT = Cause::new("duplicate-export", "symbol exported twice", S::Formation, &["ENOEXEC"])
        .by(&["load_module", "verify_exported_symbols"])
        .between(F::StrndupUser, F::KlpModuleComing)
        .logs(&["exports duplicate symbol"])
        .means(
            "the module exports a symbol that the kernel or another module has exported already",
            "unload the other module; two drivers of the same hardware cannot be loaded both",
        );
    PROTECT_MEMORY = Cause::new(
        "protect-memory",
        "memory could not be protected",
        S::Formation,
        &["EINVAL", "ENOMEM", "EIO"],
    )
    .or_any()
    .by(&["load_module", "complete_formation", "set_memory_ro"])
    .between(F::StrndupUser, F::KlpModuleComing)
    .means(
        "the module's memory could not be made read-only, or not executable",
        "look for memory pressure and for warnings of set_memory in the kernel log",
    )
    .on("newer than 6.1, as 6.12");
    MISALIGNED = Cause::new("misaligned", "layout not page-aligned", S::Formation, &["EINVAL"])
        .by(&["load_module", "module_check_misalignment"])
        .between(F::StrndupUser, F::KlpModuleComing)
        .means(
            "the parts of the module's layout do not begin on pages",
            "report it: it is a fault of the kernel",
        )
        .on("6.1; not 5.10, not 6.12");
}
