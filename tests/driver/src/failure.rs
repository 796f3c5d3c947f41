//! Why a call fails: what an arrangement forces about the origin of its errno.
//!
//! The ids of causes and stages are words of the tracer's output. The functions are the kernel's, and those of the
//! loader itself: what lower layers make passes through the loader's function that called them. A maker that the
//! compiler puts into its caller is named by that caller, because no tracer can see more.

use serde::Serialize;

use crate::kernel::Kernel;

/// What made an errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    /// Its id.
    #[serde(rename = "cause")]
    pub(crate) id: &'static str,
    /// What the loader was about.
    pub(crate) stage: &'static str,
    /// The kernel's function that returned it first.
    pub(crate) function: &'static str,
}

/// One failure, provoked on purpose.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Failure {
    /// A name for people.
    case: &'static str,
    #[serde(flatten)]
    cause: Cause,
    from_tid: Option<i32>,
    from_errno: Option<i32>,
}

impl Failure {
    /// One that the calling task met by itself.
    pub(crate) fn new(name: &'static str, cause: Cause) -> Self {
        Self {
            case: name,
            cause,
            from_tid: None,
            from_errno: None,
        }
    }

    /// One that comes of the failure of another task's load.
    pub(crate) fn inherited(name: &'static str, cause: Cause, tid: i32, errno: i32) -> Self {
        Self {
            from_tid: Some(tid),
            from_errno: Some(errno),
            ..Self::new(name, cause)
        }
    }

    /// One that the kernel gives another number than the function that failed.
    pub(crate) fn translated(name: &'static str, cause: Cause, errno: i32) -> Self {
        Self {
            from_errno: Some(errno),
            ..Self::new(name, cause)
        }
    }
}

const fn cause(id: &'static str, stage: &'static str, function: &'static str) -> Cause {
    Cause { id, stage, function }
}

/// Most makers are inlined into it.
const LOADER: &str = "load_module";

pub(crate) const FLAGS: Cause = cause("flags", "entry", "finit_module");
pub(crate) const BAD_FD: Cause = cause("bad-fd", "entry", "finit_module");
pub(crate) const BAD_IMAGE_ADDRESS: Cause = cause("bad-image-address", "entry", "init_module");
pub(crate) const IMAGE_TOO_SHORT: Cause = cause("image-too-short", "entry", "init_module");
pub(crate) const NO_CAPABILITY: Cause = cause("no-capability", "entry", "finit_module");
pub(crate) const UNREADABLE_FILE: Cause = cause("unreadable-file", "read", "kernel_read_file");
pub(crate) const OPEN_FOR_WRITE: Cause = cause("open-for-write", "read", "kernel_read_file");
pub(crate) const FILE_TOO_BIG: Cause = cause("file-too-big", "read", "kernel_read_file");
pub(crate) const SHORT_READ: Cause = cause("short-read", "read", "kernel_read_file");
pub(crate) const COMPRESSED_UNSUPPORTED: Cause = cause("compressed-unsupported", "decompress", "finit_module");
pub(crate) const BAD_COMPRESSION: Cause = cause("bad-compression", "decompress", "module_decompress");
pub(crate) const BAD_SIGNATURE: Cause = cause("bad-signature", "signature", "mod_verify_sig");
pub(crate) const ELF_HEADER: Cause = cause("elf-header", "checks", LOADER);
pub(crate) const BLACKLISTED: Cause = cause("blacklisted", "checks", LOADER);
pub(crate) const NO_SYMBOLS: Cause = cause("no-symbols", "checks", LOADER);
pub(crate) const NO_THIS_MODULE: Cause = cause("no-this-module", "checks", LOADER);
pub(crate) const MODULE_STRUCT: Cause = cause("module-struct", "checks", LOADER);
pub(crate) const VERMAGIC: Cause = cause("vermagic", "checks", LOADER);
/// Memory for the sections: what allocates it returns no errno but NULL.
pub(crate) const MODULE_MEMORY: Cause = cause("memory", "layout", LOADER);
/// Memory for the arguments, by `memdup_user`.
pub(crate) const ARGUMENT_MEMORY: Cause = cause("memory", "arguments", "strndup_user");
pub(crate) const SHARED_LOAD: Cause = cause("shared-load", "shared-load", "idempotent_init_module");
pub(crate) const SIGNAL_SAME_INODE: Cause = cause("signal-same-inode", "shared-load", "idempotent_init_module");
pub(crate) const UNKNOWN_SYMBOL: Cause = cause("unknown-symbol", "symbols", "resolve_symbol");
pub(crate) const SYMBOL_VERSION: Cause = cause("symbol-version", "symbols", "resolve_symbol");
pub(crate) const NAMESPACE: Cause = cause("namespace", "symbols", "resolve_symbol");
pub(crate) const DEPENDENCY_COMING: Cause = cause("dependency-coming", "symbols", "resolve_symbol");
pub(crate) const DEPENDENCY_GOING: Cause = cause("dependency-going", "symbols", "resolve_symbol");
pub(crate) const COMMON_SYMBOL: Cause = cause("common-symbol", "symbols", LOADER);
pub(crate) const BAD_SECTION_INDEX: Cause = cause("bad-section-index", "symbols", LOADER);
pub(crate) const RELOCATION: Cause = cause("relocation", "relocation", "apply_relocate_add");
pub(crate) const BAD_ARGUMENTS_ADDRESS: Cause = cause("bad-arguments-address", "arguments", "strndup_user");
pub(crate) const DUPLICATE_EXPORT: Cause = cause("duplicate-export", "formation", LOADER);
pub(crate) const LIVEPATCH_COMING: Cause = cause("livepatch-coming", "notifiers", "klp_module_coming");
pub(crate) const NOTIFIER: Cause = cause("notifier", "notifiers", "blocking_notifier_call_chain_robust");
pub(crate) const PARAMETER: Cause = cause("parameter", "parameters", "parse_args");
pub(crate) const NAME_CLASH: Cause = cause("name-clash", "sysfs", "mod_sysfs_setup");
pub(crate) const INIT_BLACKLISTED: Cause = cause("init-blacklisted", "init", "do_one_initcall");
pub(crate) const INIT_EXISTS: Cause = cause("init-exists", "init", "do_init_module");
pub(crate) const UNLOAD_ABSENT: Cause = cause("unload-absent", "entry", "delete_module");
pub(crate) const UNLOAD_BUSY: Cause = cause("unload-busy", "entry", "delete_module");
pub(crate) const UNLOAD_IN_USE: Cause = cause("unload-in-use", "entry", "delete_module");
pub(crate) const UNLOAD_NO_CAPABILITY: Cause = cause("unload-no-capability", "entry", "delete_module");

/// The module's own init function, by its name in the module's symbols.
pub(crate) const fn init(function: &'static str) -> Cause {
    cause("init", "init", function)
}

/// A signature where one is demanded.
pub(crate) fn unsigned(kernel: &Kernel) -> Cause {
    let function = if kernel.inlines_less() {
        "module_sig_check"
    } else {
        LOADER
    };
    cause("unsigned", "signature", function)
}

/// The version of `module_layout`.
pub(crate) fn modversions(kernel: &Kernel) -> Cause {
    let function = if kernel.inlines_less() {
        "check_modstruct_version"
    } else {
        LOADER
    };
    cause("modversions", "checks", function)
}

/// A section that can be written to and executed.
pub(crate) fn rwx_section(kernel: &Kernel) -> Cause {
    let function = if kernel.inlines_less() {
        "module_enforce_rwx_sections"
    } else {
        LOADER
    };
    cause("rwx-section", "layout", function)
}

/// What the look-up of the name makes of the module that it finds.
fn duplicate(id: &'static str, kernel: &Kernel) -> Cause {
    let function = if kernel.looks_up_names_early() {
        "module_patient_check_exists"
    } else {
        LOADER
    };
    cause(id, "duplicate-check", function)
}

/// The module is there.
pub(crate) fn already_live(kernel: &Kernel) -> Cause {
    duplicate("already-live", kernel)
}

/// The module is being taken away.
pub(crate) fn going(kernel: &Kernel) -> Cause {
    duplicate("going", kernel)
}

/// The load that was waited for came to nothing.
pub(crate) fn leader_failed(kernel: &Kernel) -> Cause {
    duplicate("leader-failed", kernel)
}

/// A signal in the wait for a module of the same name.
pub(crate) fn signal_same_name(kernel: &Kernel) -> Cause {
    duplicate("signal-same-name", kernel)
}
