//! Marks on the way of a load: how far it came, which function gave the errno, and what else it waited for.
//!
//! The last mark before a load fails tells where it failed, also where the compiler inlined the function that failed: so a mark
//! that some kernels do not have only makes that place wider.

use super::{NOTIFY_LIST, function, passed, probe, wanted};
use crate::plan::existence::{Existence, Sign, Trace};
use crate::plan::spec::{Attach, Candidate, Family, Hook, Mechanism, ProbeSpec, Stage, Want};

/// Module memory is had from one place since "mm: introduce `execmem_alloc()` and `execmem_free()`" (6.10).
const EXECMEM: Existence = &[
    Sign::With(Trace::Type("execmem_info")),
    Sign::With(Trace::Function("execmem_alloc")),
];
const NO_EXECMEM: Existence = &[
    Sign::Without(Trace::Type("execmem_info")),
    Sign::Without(Trace::Function("execmem_alloc")),
];
/// With `CONFIG_MODULE_DECOMPRESS` (5.17).
const DECOMPRESSES: Existence = &[Sign::With(Trace::Function("module_decompress"))];
/// With `CONFIG_MODULE_SIG`. Before the loader was split, `module_sig_check` was inlined.
const SIGNATURES: Existence = &[Sign::With(Trace::Function("mod_verify_sig"))];
/// With `CONFIG_MODVERSIONS`. Before the loader was split, nothing tells of it where it is inlined.
const VERSIONS: Existence = &[
    Sign::If(Trace::Function("check_modstruct_version")),
    Sign::Unless(SPLIT),
];
/// With `CONFIG_STRICT_MODULE_RWX`.
const STRICT: Existence = &[Sign::If(SPLIT)];
const LIVEPATCH: Existence = &[Sign::With(Trace::Function("klp_module_coming"))];
/// `blocking_notifier_call_chain` told of COMING before "notifier: Fix broken error handling pattern" (5.10).
const ROBUST: Existence = &[Sign::With(Trace::Function("blocking_notifier_call_chain_robust"))];
/// The mutex that guards the list of modules.
const MUTEX: &str = "module_mutex";
/// The static buffer of `vprintk_store` up to 5.10.
const TEXT: &str = "textbuf";
/// Since 5.19 consoles count what they drop, and the tracepoint is where a line is stored: both are of "printk: refactor and rework
/// printing logic" and "printk, tracing: fix console tracepoint".
const DROPPED: Trace = Trace::Member("console", "dropped");
/// The loader was split into files in the same version, and this has been called from another file since. Before, it was inlined.
const SPLIT: Trace = Trace::Function("module_enforce_rwx_sections");
const TRACEPOINT_WHERE_STORED: Existence = &[Sign::With(DROPPED), Sign::With(SPLIT)];
const STATIC_TEXT: Existence = &[
    Sign::With(Trace::Data(TEXT)),
    Sign::Unless(DROPPED),
    Sign::Unless(SPLIT),
];
const NEITHER: Existence = &[
    Sign::Unless(Trace::Data(TEXT)),
    Sign::Without(DROPPED),
    Sign::Without(SPLIT),
];

/// `int module_decompress(struct load_info *info, const void *buf, size_t size)`
const MODULE_DECOMPRESS: Hook = passed("module_decompress", 3);
/// `int module_sig_check(struct load_info *info, int flags)`
const MODULE_SIG_CHECK: Hook = passed("module_sig_check", 2);
/// `int mod_verify_sig(const void *mod, struct load_info *info)`
const MOD_VERIFY_SIG: Hook = passed("mod_verify_sig", 2);
/// `int check_modstruct_version(const struct load_info *info, struct module *mod)`
const CHECK_MODSTRUCT_VERSION: Hook = passed("check_modstruct_version", 2);
/// `int module_enforce_rwx_sections(const Elf_Ehdr *hdr, const Elf_Shdr *sechdrs, const char *secstrings, const struct module *mod)`
const MODULE_ENFORCE_RWX_SECTIONS: Hook = passed("module_enforce_rwx_sections", 4);
/// `void *module_alloc(unsigned long size)`
const MODULE_ALLOC: Hook = passed("module_alloc", 1);
/// `void *execmem_alloc(enum execmem_type type, size_t size)`
const EXECMEM_ALLOC: Hook = passed("execmem_alloc", 2);
/// `static const struct kernel_symbol *resolve_symbol(struct module *mod, const struct load_info *info, const char *name, char ownername[])`
const RESOLVE_SYMBOL: Hook = function("resolve_symbol", 4);
/// `int apply_relocate_add(Elf64_Shdr *sechdrs, const char *strtab, unsigned int symindex, unsigned int relsec, struct module *me)`
const APPLY_RELOCATE_ADD: Hook = passed("apply_relocate_add", 5);
/// `int module_finalize(const Elf_Ehdr *hdr, const Elf_Shdr *sechdrs, struct module *me)`
const MODULE_FINALIZE: Hook = passed("module_finalize", 3);
/// `char *strndup_user(const char __user *s, long n)`
const STRNDUP_USER: Hook = passed("strndup_user", 2);
/// `int klp_module_coming(struct module *mod)`
const KLP_MODULE_COMING: Hook = function("klp_module_coming", 1);
/// `int blocking_notifier_call_chain_robust(struct blocking_notifier_head *nh, unsigned long val_up, unsigned long val_down, void *v)`
const NOTIFIER_CHAIN_ROBUST: Hook = function("blocking_notifier_call_chain_robust", 4);
/// `int blocking_notifier_call_chain(struct blocking_notifier_head *nh, unsigned long val, void *v)`
const NOTIFIER_CHAIN: Hook = function("blocking_notifier_call_chain", 3);
/// `char *parse_args(const char *doing, char *args, const struct kernel_param *params, unsigned int num, s16 min_level, s16 max_level,
/// void *arg, parse_unknown_fn unknown)`
const PARSE_ARGS: Hook = passed("parse_args", 8);
/// `int mod_sysfs_setup(struct module *mod, const struct load_info *info, struct kernel_param *kparam, unsigned int num_params)`
const MOD_SYSFS_SETUP: Hook = passed("mod_sysfs_setup", 4);
/// `void synchronize_rcu(void)`
const SYNCHRONIZE_RCU: Hook = passed("synchronize_rcu", 0);
/// `static noinline void __sched __mutex_lock_slowpath(struct mutex *lock)`
const MUTEX_SLOWPATH: Hook = function("__mutex_lock_slowpath", 1);
/// `static noinline int __sched __mutex_lock_interruptible_slowpath(struct mutex *lock)`
const MUTEX_INTERRUPTIBLE_SLOWPATH: Hook = function("__mutex_lock_interruptible_slowpath", 1);
const CONSOLE: Hook = tracepoint!("printk", "console", "msg" at 8);
const INITCALL_START: Hook = tracepoint!("initcall", "initcall_start");
/// `int vprintk_store(int facility, int level, const struct dev_printk_info *dev_info, const char *fmt, va_list args)`
const VPRINTK_STORE: Hook = passed("vprintk_store", 5);

/// `static u16 printk_sprint(char *text, u16 size, int facility, enum printk_info_flags *flags, const char *fmt, va_list args)`
const PRINTK_SPRINT: Hook = function("printk_sprint", 6);

const DECOMPRESSION: &str = "time in module_decompress";
const SIGNATURE: &str = "time in module_sig_check, and its errno";
const NOTIFIERS: &str = "time in the notifiers of COMING, and their errno";
const PARAMETERS: &str = "time in which parameters are set, and their errno";
const SYSFS: &str = "time in mod_sysfs_setup, and its errno";
const ALLOCATIONS: &str = "which loads found no memory for the module itself";
const RELOCATIONS: &str = "where relocation begins, and its errno";
const RCU: &str = "grace periods of RCU inside attempts";
const MUTEXES: &str = "waits for module_mutex, and who held it";
const LOG: &str = "the kernel log of attempts and requests";

const fn extra(id: &'static str, stage: Stage, candidates: &'static [Candidate], loses: &'static str) -> ProbeSpec {
    probe(id, stage, Want::Extra, candidates, loses)
}

const fn module_mutex(id: &'static str, candidates: &'static [Candidate]) -> ProbeSpec {
    wanted(id, Stage::State, candidates, MUTEXES).of(Family::Mutex)
}

/// Marks.
pub(super) const PROBES: &[ProbeSpec] = &[
    // Where they are inlined, the stages beside them are wider.
    extra(
        "module_decompress.enter",
        Stage::Read,
        enter!(MODULE_DECOMPRESS),
        DECOMPRESSION,
    )
    .exists_if(DECOMPRESSES),
    extra(
        "module_decompress.exit",
        Stage::Read,
        exit!(MODULE_DECOMPRESS),
        DECOMPRESSION,
    )
    .exists_if(DECOMPRESSES),
    extra(
        "module_sig_check.enter",
        Stage::Load,
        enter!(MODULE_SIG_CHECK),
        SIGNATURE,
    )
    .exists_if(SIGNATURES),
    extra("module_sig_check.exit", Stage::Load, exit!(MODULE_SIG_CHECK), SIGNATURE).exists_if(SIGNATURES),
    extra(
        "mod_verify_sig.exit",
        Stage::Load,
        exit!(MOD_VERIFY_SIG),
        "what became of signatures",
    )
    .exists_if(SIGNATURES),
    extra(
        "check_modstruct_version.exit",
        Stage::Load,
        exit!(CHECK_MODSTRUCT_VERSION),
        "whether the version of module_layout was the reason for ENOEXEC",
    )
    .exists_if(VERSIONS),
    extra(
        "module_enforce_rwx_sections.exit",
        Stage::Load,
        exit!(MODULE_ENFORCE_RWX_SECTIONS),
        "whether a section that is both writable and executable was the reason for ENOEXEC",
    )
    .exists_if(STRICT),
    wanted("module_alloc.exit", Stage::Load, exit!(MODULE_ALLOC), ALLOCATIONS).exists_if(NO_EXECMEM),
    wanted("execmem_alloc.exit", Stage::Load, exit!(EXECMEM_ALLOC), ALLOCATIONS).exists_if(EXECMEM),
    wanted(
        "resolve_symbol.exit",
        Stage::Load,
        exit_with_arguments!(RESOLVE_SYMBOL),
        "symbols that were not found, and waits for the modules that export them",
    ),
    wanted(
        "apply_relocate_add.enter",
        Stage::Load,
        enter!(APPLY_RELOCATE_ADD),
        RELOCATIONS,
    ),
    wanted(
        "apply_relocate_add.exit",
        Stage::Load,
        exit!(APPLY_RELOCATE_ADD),
        RELOCATIONS,
    ),
    wanted(
        "module_finalize.enter",
        Stage::Load,
        enter!(MODULE_FINALIZE),
        "where relocation ends",
    ),
    wanted(
        "strndup_user.exit",
        Stage::Load,
        exit!(STRNDUP_USER),
        "whether the argument string could be copied",
    ),
    // Without CONFIG_LIVEPATCH it is an empty inline.
    extra(
        "klp_module_coming.exit",
        Stage::State,
        exit!(KLP_MODULE_COMING),
        "the errno of live patches",
    )
    .exists_if(LIVEPATCH),
    wanted(
        "blocking_notifier_call_chain_robust.enter",
        Stage::State,
        enter!(NOTIFIER_CHAIN_ROBUST; NOTIFY_LIST),
        NOTIFIERS,
    )
    .exists_if(ROBUST),
    wanted(
        "blocking_notifier_call_chain_robust.exit",
        Stage::State,
        exit!(NOTIFIER_CHAIN_ROBUST; NOTIFY_LIST),
        NOTIFIERS,
    )
    .exists_if(ROBUST),
    wanted(
        "blocking_notifier_call_chain.exit",
        Stage::State,
        exit!(NOTIFIER_CHAIN; NOTIFY_LIST),
        "time in the notifiers of LIVE and GOING",
    ),
    wanted("parse_args.enter", Stage::Init, enter!(PARSE_ARGS), PARAMETERS),
    wanted("parse_args.exit", Stage::Init, exit!(PARSE_ARGS), PARAMETERS),
    wanted("mod_sysfs_setup.enter", Stage::Init, enter!(MOD_SYSFS_SETUP), SYSFS),
    wanted("mod_sysfs_setup.exit", Stage::Init, exit!(MOD_SYSFS_SETUP), SYSFS),
    wanted("synchronize_rcu.enter", Stage::State, enter!(SYNCHRONIZE_RCU), RCU).of(Family::Rcu),
    wanted("synchronize_rcu.exit", Stage::State, exit!(SYNCHRONIZE_RCU), RCU).of(Family::Rcu),
    module_mutex("__mutex_lock_slowpath.enter", enter!(MUTEX_SLOWPATH; MUTEX)),
    module_mutex("__mutex_lock_slowpath.exit", exit!(MUTEX_SLOWPATH; MUTEX)),
    module_mutex(
        "__mutex_lock_interruptible_slowpath.enter",
        enter!(MUTEX_INTERRUPTIBLE_SLOWPATH; MUTEX),
    ),
    module_mutex(
        "__mutex_lock_interruptible_slowpath.exit",
        exit!(MUTEX_INTERRUPTIBLE_SLOWPATH; MUTEX),
    ),
    // do_one_initcall says -EPERM itself where the command line names the function in initcall_blacklist=.
    extra(
        "initcall_start.hit",
        Stage::Init,
        hit!(INITCALL_START),
        "whether an init function that gives EPERM was called at all",
    ),
    // The tracepoint is where a line is stored since 5.19. Before, it was where consoles are written to, later and by any task: up to
    // 5.10 the line lies in one static buffer, then in that of a function of its own.
    wanted("console.hit", Stage::Log, hit!(CONSOLE), LOG)
        .exists_if(TRACEPOINT_WHERE_STORED)
        .absence("here the tracepoint tells of what consoles write, not of lines as they are made")
        .of(Family::Printk),
    wanted(
        "printk_sprint.exit",
        Stage::Log,
        candidates!([Fexit PRINTK_SPRINT]),
        LOG,
    )
    .exists_if(NEITHER)
    .absence("another place tells of the lines of the kernel log")
    .of(Family::Printk),
    wanted("vprintk_store.exit", Stage::Log, exit!(VPRINTK_STORE; TEXT), LOG)
        .exists_if(STATIC_TEXT)
        .of(Family::Printk),
];
