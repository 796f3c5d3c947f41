//! From COMING to the end of the init function, and unloads.

use super::Cause;
use crate::model::Function as F;
use crate::model::Stage as S;

pub(super) const CAUSES: &[Cause] = &[
    Cause::new(
        "livepatch-coming",
        "a livepatch does not fit",
        S::Notifiers,
        &["EINVAL"],
    )
    .or_any()
    .by(&["klp_module_coming"])
    .logs(&["refusing to load module", "vmlinux.ko: invalid module name"])
    .means(
        "an enabled livepatch cannot be applied to the module, or the module is called vmlinux",
        "update or disable the livepatch; give the module another name",
    ),
    Cause::new(
        "notifier",
        "refused by a module notifier",
        S::Notifiers,
        &["EINVAL", "ENOMEM"],
    )
    .or_any()
    .by(&["blocking_notifier_call_chain_robust"])
    .logs(&["failed to validate module"])
    .means(
        "a listener of the kernel refused the module: most often its BTF does not fit the kernel's",
        "build the module against this kernel's vmlinux, or without BTF",
    ),
    Cause::new(
        "parameter",
        "parameter refused",
        S::Parameters,
        &["EINVAL", "ERANGE", "ENOSPC", "EPERM", "ENOENT"],
    )
    .or_any()
    .by(&["parse_args"])
    .between(F::NotifierChainRobust, F::ModSysfsSetup)
    .logs(&[
        "invalid for parameter",
        "too large for parameter",
        "Unknown parameter",
        "string parameter too long",
        "can only take",
        "needs at least",
        "string doesn't fit in",
    ])
    .means(
        "a parameter's setter refused its value; unknown parameters are not an error",
        "correct the value on the command line or in modprobe.d; modinfo -p shows the parameters",
    ),
    Cause::new(
        "name-clash",
        "name taken in /sys/module",
        S::Sysfs,
        &["EINVAL", "EEXIST"],
    )
    .by(&["mod_sysfs_setup", "mod_sysfs_init", "kobject_add"])
    .between(F::ParseArgs, F::DoInitModule)
    .logs(&[
        "module is already loaded",
        "cannot create duplicate filename",
        "failed with -EEXIST",
    ])
    .means(
        "/sys/module has this name already: a built-in of the same name, or what an unload left behind",
        "do not load what is built in; rename the module",
    ),
    Cause::new("sysfs", "/sys/module not set up", S::Sysfs, &["ENOMEM"])
        .or_any()
        .by(&["mod_sysfs_setup", "copy_module_elf", "load_module"])
        .between(F::ParseArgs, F::DoInitModule)
        .logs(&["module sysfs not initialized"])
        .means(
            "the module's directory in /sys/module could not be made, or a livepatch module's headers not be kept",
            "look for memory pressure, and at the kernel log",
        ),
    Cause::new(
        "init-blacklisted",
        "init on the kernel's command line",
        S::Init,
        &["EPERM"],
    )
    .by(&["do_one_initcall"])
    .logs(&[" blacklisted"])
    .means(
        "the init function is named in initcall_blacklist= on the kernel's command line, and was not called",
        "take it off the command line and boot again",
    ),
    Cause::new(
        "init",
        "its own init function",
        S::Init,
        &[
            "ENODEV",
            "ENXIO",
            "EINVAL",
            "EBUSY",
            "EEXIST",
            "ENOENT",
            "ENOMEM",
            "EPERM",
            "EIO",
            "ETIMEDOUT",
            "EOPNOTSUPP",
        ],
    )
    .or_any()
    .by(&["do_one_initcall"])
    .between(F::DoInitModule, F::DoOneInitcall)
    .means(
        "the module's init function returned it; the loader only passes it on",
        "look at the kernel log for what the driver says; ENODEV and ENXIO mostly mean that its hardware is not there",
    ),
    Cause::new("init-exists", "its init said EEXIST", S::Init, &["EBUSY"])
        .by(&["do_init_module"])
        .logs(&["init suspiciously returned -EEXIST"])
        .means(
            "the init function returned EEXIST, and the loader made EBUSY of it, because kmod takes EEXIST for success",
            "look at what the driver registers: another driver has it already",
        )
        .on("7.x"),
    Cause::new("unload-absent", "no such module", S::Entry, &["ENOENT"])
        .by(&["delete_module"])
        .means(
            "no module of this name is loaded",
            "check the name: the kernel writes _ for -",
        ),
    Cause::new("unload-busy", "cannot be unloaded now", S::Entry, &["EBUSY"])
        .by(&["delete_module"])
        .means(
            "the module is not LIVE (its init still runs, or it is going away), or it has an init and no exit function",
            "wait until its load is over; a module without exit cannot be unloaded",
        ),
    Cause::new("unload-in-use", "module in use", S::Entry, &["EAGAIN"])
        .by(&["delete_module", "try_stop_module"])
        .means(
            "somebody uses the module, or another module depends on it",
            "lsmod shows the users; unload them first (modprobe -r does)",
        ),
    Cause::new(
        "unload-no-capability",
        "not allowed to unload modules",
        S::Entry,
        &["EPERM"],
    )
    .by(&["delete_module"])
    .means(
        "the caller has no CAP_SYS_MODULE, or kernel.modules_disabled is 1",
        "unload as root outside of containers and sandboxes",
    ),
    Cause::new("unload-interrupted", "signal while unloading", S::Entry, &["EINTR"])
        .by(&["delete_module"])
        .means(
            "a signal came while the task waited for module_mutex",
            "unload again; see who held the mutex so long",
        ),
    Cause::new("unload-bad-name", "name not readable", S::Entry, &["EFAULT"])
        .by(&["delete_module"])
        .means(
            "the address of the name is not memory of the caller",
            "hand over a string",
        ),
];
