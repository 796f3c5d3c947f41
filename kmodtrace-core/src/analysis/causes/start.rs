//! From COMING to the end of the init function.

use super::Cause;
use crate::model::Function as F;
use crate::model::Stage as S;

causes! {
    LIVEPATCH_COMING = Cause::new(
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
    );
    NOTIFIER = Cause::new(
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
    );
    PARAMETER = Cause::new(
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
    );
    NAME_CLASH = Cause::new(
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
    );
    SYSFS = Cause::new("sysfs", "/sys/module not set up", S::Sysfs, &["ENOMEM"])
        .or_any()
        .by(&["mod_sysfs_setup", "copy_module_elf", "load_module"])
        .between(F::ParseArgs, F::DoInitModule)
        .logs(&["module sysfs not initialized"])
        .means(
            "the module's directory in /sys/module could not be made, or a livepatch module's headers not be kept",
            "look for memory pressure, and at the kernel log",
        );
    INIT_BLACKLISTED = Cause::new(
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
    );
    INIT = Cause::new(
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
    );
    INIT_EXISTS = Cause::new("init-exists", "its init said EEXIST", S::Init, &["EBUSY"])
        .by(&["do_init_module"])
        .logs(&["init suspiciously returned -EEXIST"])
        .means(
            "the init function returned EEXIST, and the loader made EBUSY of it, because kmod takes EEXIST for success",
            "look at what the driver registers: another driver has it already",
        )
        .on("7.x");
}
