//! From the system call to the moment at which the module has a place of its own.

use super::Cause;
use crate::model::Function as F;
use crate::model::Stage as S;

causes! {
    FLAGS = Cause::new("flags", "unknown flag", S::Entry, &["EINVAL"])
        .by(&["finit_module"])
        .means(
            "finit_module was given a flag that this kernel does not know",
            "use flags 1 (ignore modversions), 2 (ignore vermagic) and, from 5.17 on, 4 (compressed file)",
        );
    BAD_FD = Cause::new("bad-fd", "no such file descriptor", S::Entry, &["EBADF"])
        .by(&["finit_module", "idempotent_init_module", "kernel_read_file_from_fd"])
        .means(
            "the file descriptor is not open, or not for reading",
            "open the file for reading, and keep it open until the call returns",
        );
    BAD_IMAGE_ADDRESS = Cause::new("bad-image-address", "image not readable", S::Entry, &["EFAULT"])
        .by(&["init_module", "copy_module_from_user"])
        .means(
            "the image's address and length are not memory of the caller",
            "hand over the whole image, and its true length",
        );
    IMAGE_TOO_SHORT = Cause::new("image-too-short", "image shorter than an ELF header", S::Entry, &["ENOEXEC"])
        .by(&["init_module", "copy_module_from_user"])
        .means(
            "the image has fewer bytes than an ELF header",
            "check the length that is handed over: an empty or cut file, or a failed decompression",
        );
    NO_CAPABILITY = Cause::new("no-capability", "not allowed to load modules", S::Entry, &["EPERM"])
        .by(&["may_init_module", "finit_module", "init_module"])
        .means(
            "the caller has no CAP_SYS_MODULE, or kernel.modules_disabled is 1",
            "load as root outside of containers and sandboxes; sysctl kernel.modules_disabled shows whether loading is off \
             until the next boot",
        );
    MODULES_DISABLED = Cause::new("modules-disabled", "kernel.modules_disabled is 1", S::Entry, &["EPERM"])
        .by(&["may_init_module"])
        .means(
            "the sysctl kernel.modules_disabled is 1: nobody can load or unload a module until the next boot",
            "load what is needed before it is set (modules-load.d); only a reboot clears it",
        );
    UNREADABLE_FILE = Cause::new("unreadable-file", "no regular file, or an empty one", S::Read, &["EINVAL"])
        .by(&["kernel_read_file"])
        .means(
            "the file is a pipe, a device or a directory, or it has no bytes",
            "hand over a regular file that is not empty",
        );
    OPEN_FOR_WRITE = Cause::new("open-for-write", "file open for writing", S::Read, &["ETXTBSY"])
        .by(&["kernel_read_file"])
        .means(
            "somebody has the file open for writing",
            "close it there; an installer that still writes should rename a finished file into place",
        );
    FILE_TOO_BIG = Cause::new("file-too-big", "file too big", S::Read, &["EFBIG"])
        .by(&["kernel_read_file"])
        .means("the file is longer than INT_MAX bytes", "strip it");
    SHORT_READ = Cause::new("short-read", "file could not be read whole", S::Read, &["EIO"])
        .by(&["kernel_read_file"])
        .means(
            "the file ended before its size, or its file system failed to read it",
            "look at the file system and its device; replace the file whole, never in place",
        );
    READ_INTERRUPTED = Cause::new("read-interrupted", "signal while reading", S::Read, &["EINTR"])
        .by(&["kernel_read_file"])
        .means("a signal came while the file was read", "load again; see who sent the signal");
    LSM = Cause::new("lsm", "refused by a security module", S::Read, &["EACCES", "EPERM"])
        .by(&[
            "kernel_read_file",
            "security_kernel_read_file",
            "security_kernel_post_read_file",
            "security_kernel_load_data",
            "init_module",
        ])
        .means(
            "IMA appraisal, SELinux, LoadPin or another security module does not want this file loaded",
            "see the audit log; label or sign the file as the policy demands",
        );
    COMPRESSED_UNSUPPORTED = Cause::new("compressed-unsupported", "kernel does not decompress", S::Decompress, &["EOPNOTSUPP"])
        .by(&["finit_module", "module_decompress"])
        .means(
            "flag 4 says that the file is compressed, and the kernel was built without CONFIG_MODULE_DECOMPRESS",
            "decompress in user space; kmod does when /sys/module/compression is absent",
        )
        .on("5.17 and later");
    BAD_COMPRESSION = Cause::new("bad-compression", "compressed data damaged", S::Decompress, &["EINVAL"])
        .or_any()
        .by(&["module_decompress"])
        .logs(&[
            "not a gzip compressed module",
            "not an xz compressed module",
            "failed to initialize decompressor",
            "decompression failed with status",
            "ZSTD",
        ])
        .means(
            "flag 4 says that the file is compressed, and it is not, or with something else, or it is damaged",
            "compare /sys/module/compression with how the file is compressed; install the module again",
        )
        .on("5.17 and later");
    DECODER = Cause::new(
        "decoder",
        "the kernel's decoder lacks what the file was compressed with",
        S::Decompress,
        &["EINVAL"],
    )
    .or_any()
    .by(&["module_decompress"])
    // xz_ret of include/linux/xz.h: XZ_UNSUPPORTED_CHECK and XZ_OPTIONS_ERROR.
    .logs(&["decompression failed with status 2", "decompression failed with status 6"])
    .only_logged()
    .means(
        "the file is whole, and uses a check type, filter or dictionary size that the kernel's xz decoder does not have",
        "compress it with xz --check=crc32 --lzma2=dict=1MiB, or have user space decompress it (insmod of the plain .ko)",
    )
    .on("5.17 and later");
    UNSIGNED = Cause::new(
        "unsigned",
        "not signed, and signatures are enforced",
        S::Signature,
        &["EKEYREJECTED"],
    )
    .by(&["module_sig_check"])
    .between(F::LoadModule, F::ModuleFrobArchSections)
    .logs(&["unsigned module is rejected"])
    .means(
        "the kernel enforces signatures (module.sig_enforce), and the module has none",
        "sign the module with a key that the kernel trusts (sign-file; mokutil --import enrols a key), or stop enforcing",
    );
    UNTRUSTED_KEY = Cause::new("untrusted-key", "signed with a key that the kernel does not trust", S::Signature, &["EKEYREJECTED"])
        .by(&["module_sig_check"])
        .between(F::LoadModule, F::ModuleFrobArchSections)
        .logs(&["unavailable key is rejected", "unsupported crypto is rejected"])
        .means(
            "the kernel enforces signatures (module.sig_enforce), and the module's is by a key that is in none of the kernel's \
             keyrings, or made with an algorithm that the kernel lacks",
            "enrol the key (mokutil --import, then reboot), or sign the module with one that the kernel trusts; \
             keyctl list %:.builtin_trusted_keys and %:.secondary_trusted_keys show those",
        );
    LOCKDOWN = Cause::new("lockdown", "kernel lockdown refuses unsigned modules", S::Signature, &["EPERM"])
        .by(&["module_sig_check"])
        .between(F::LoadModule, F::ModuleFrobArchSections)
        .logs(&["Lockdown: "])
        .means(
            "the kernel is locked down, mostly because of Secure Boot, and the module has no signature that it trusts",
            "sign the module with a key that the kernel trusts (mokutil --import enrols one), or turn Secure Boot off; \
             /sys/kernel/security/lockdown shows the mode",
        );
    BAD_SIGNATURE = Cause::new(
        "bad-signature",
        "signature broken",
        S::Signature,
        &["EINVAL", "EBADMSG", "EKEYREJECTED"],
    )
    .or_any()
    .by(&["mod_verify_sig", "mod_check_sig", "module_sig_check"])
    .between(F::LoadModule, F::ModuleFrobArchSections)
    .logs(&["Module hash"])
    .means(
        "there is a signature, and it is malformed, or not of these bytes, or its key or hash is revoked",
        "sign the module again after the last change: stripping a signed module breaks its signature",
    );
    ELF_HEADER = Cause::new("elf-header", "no valid ELF object", S::Checks, &["ENOEXEC"])
        .by(&["load_module", "setup_load_info", "elf_validity_check"])
        .between(F::LoadModule, F::CheckModstructVersion)
        .logs(&[
            "Invalid ELF",
            "Invalid architecture in ELF",
            "Invalid module architecture",
            "ELF Spec violation",
            "empty section name table",
            "Module has invalid ELF structures",
            "symbol string table",
            "symbol name out of bounds",
            "extended version c",
            "Only one .modinfo section",
            "kflagstab",
        ])
        .means(
            "the image is not a relocatable ELF object of this architecture, or its headers do not fit together",
            "check that the file is whole (file, readelf -hS) and, with init_module, that it was decompressed",
        );
    NO_SYMBOLS = Cause::new("no-symbols", "no symbol table", S::Checks, &["ENOEXEC"])
        .by(&["load_module", "setup_load_info", "elf_validity_cache_index_sym"])
        .between(F::LoadModule, F::CheckModstructVersion)
        .logs(&["has no symbols (stripped?)"])
        .means(
            "the image has no symbol table",
            "strip modules with --strip-debug only; install the original again",
        );
    NO_THIS_MODULE = Cause::new("no-this-module", "no struct module inside", S::Checks, &["ENOEXEC"])
        .by(&["load_module", "setup_load_info", "elf_validity_cache_index_mod"])
        .between(F::LoadModule, F::CheckModstructVersion)
        .logs(&["No module found in object", "Exactly one .gnu.linkonce.this_module section must exist"])
        .means(
            "the object has no section .gnu.linkonce.this_module: it never went through modpost",
            "load the .ko, not an .o",
        );
    MODULE_STRUCT = Cause::new("module-struct", "struct module of another size", S::Checks, &["ENOEXEC"])
        .by(&["load_module", "elf_validity_cache_index_mod"])
        .between(F::LoadModule, F::CheckModstructVersion)
        .logs(&[
            ".gnu.linkonce.this_module section size must match",
            ".gnu.linkonce.this_module section must have a size set",
            ".gnu.linkonce.this_module must occupy memory",
        ])
        .means(
            "struct module in the image has another size than the kernel's: another version or configuration",
            "build the module against the headers of exactly this kernel",
        )
        .on("newer than 6.1, as 6.12");
    BLACKLISTED = Cause::new("blacklisted", "on the kernel's command line", S::Checks, &["EPERM"])
        .by(&["load_module", "blacklisted"])
        .between(F::LoadModule, F::ModuleFrobArchSections)
        .logs(&[" is blacklisted"])
        .means(
            "the module is named in module_blacklist= on the kernel's command line",
            "take it off the command line and boot again",
        );
    MODVERSIONS = Cause::new("modversions", "built for another struct module", S::Checks, &["ENOEXEC"])
        .by(&["check_modstruct_version"])
        .between(F::LoadModule, F::ModuleFrobArchSections)
        .logs(&["disagrees about version of symbol module_layout", "no symbol version for module_layout"])
        .means(
            "the CRC of module_layout differs from the kernel's",
            "build the module against the headers of exactly this kernel",
        )
        .on("with CONFIG_MODVERSIONS");
    VERMAGIC = Cause::new("vermagic", "built for another kernel", S::Checks, &["ENOEXEC"])
        .by(&["load_module", "check_modinfo"])
        .between(F::CheckModstructVersion, F::ModuleFrobArchSections)
        .logs(&["version magic"])
        .means(
            "the version magic of the module is not the kernel's, or it has none",
            "build the module for this kernel; modinfo -F vermagic shows what it was built for",
        );
    LIVEPATCH_UNSUPPORTED = Cause::new("livepatch-unsupported", "livepatch not supported", S::Checks, &["ENOEXEC"])
        .by(&["load_module", "check_modinfo"])
        .between(F::CheckModstructVersion, F::ModuleFrobArchSections)
        .logs(&["livepatch support is disabled"])
        .means(
            "it is a livepatch module and the kernel was built without CONFIG_LIVEPATCH",
            "boot a kernel with livepatch support",
        );
    RWX_SECTION = Cause::new("rwx-section", "section writable and executable", S::Layout, &["ENOEXEC"])
        .by(&["module_enforce_rwx_sections"])
        .between(F::ModuleFrobArchSections, F::FindModuleAll)
        .logs(&["has invalid WRITE|EXEC flags"])
        .means(
            "a section of the module can be written to and executed",
            "fix the section flags where the module is built",
        )
        .on("with CONFIG_STRICT_MODULE_RWX");
    MEMORY = Cause::new("memory", "no memory", S::Layout, &["ENOMEM"])
        .by(&[
            "module_alloc",
            "execmem_alloc",
            "percpu_modalloc",
            "kernel_read_file",
            "module_decompress",
            "strndup_user",
            "init_module",
            "mod_sysfs_setup",
            "blocking_notifier_call_chain_robust",
            "parse_args",
            "call_usermodehelper_exec",
            "__request_module",
            "load_module",
            "do_init_module",
        ])
        .between(F::LoadModule, F::DoOneInitcall)
        .logs(&["vmap allocation for size", "bytes percpu data", "allocation failure"])
        .means(
            "memory for the image, the module's sections, its per-CPU data or its arguments was not to be had",
            "look for many loads of the same module at once (each takes address space before the duplicate check); \
             raise vmalloc only after that",
        );
    CODETAG = Cause::new("codetag", "no place for allocation tags", S::Layout, &["EINVAL"])
        .by(&["load_module", "move_module"])
        .between(F::ModuleFrobArchSections, F::FindModuleAll)
        .means(
            "the module has a section of allocation tags and the kernel gave it no place",
            "report it; boot with sysctl.vm.mem_profiling=never meanwhile",
        )
        .on("7.x, with CONFIG_MEM_ALLOC_PROFILING");
}
