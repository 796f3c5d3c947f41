//! Requests: what `__request_module` returns, and what its callers make of it.

use super::{Cause, Status};
use crate::model::Stage as S;

causes! {
    NAME_TOO_LONG = Cause::new("name-too-long", "name too long", S::Entry, &["ENAMETOOLONG"])
        .by(&["__request_module"])
        .means(
            "the requested name has 56 characters or more (MODULE_NAME_LEN)",
            "see who makes the name: an alias from user space, such as a file system or a network protocol",
        );
    SECURITY_REFUSED = Cause::new("security-refused", "refused by a security module", S::Security, &["EPERM", "EACCES"])
        .or_any()
        .by(&["security_kernel_module_request"])
        .means(
            "a security module does not let this task make the kernel load modules",
            "see the audit log; load the module beforehand (modules-load.d)",
        );
    NO_SLOT = Cause::new("no-slot", "no slot", S::Slot, &["ETIME"])
        .by(&["__request_module"])
        .logs(&["kmod busy with"])
        .means(
            "50 requests were being served, and none of them ended within 5 seconds (MAX_KMOD_CONCURRENT, kernel/kmod.c)",
            "make modprobe faster, or ask for fewer modules at once; where an init function requests modules, load those \
             before: such a request waits for slots that wait for its own module",
        );
    SLOT_KILLED = Cause::new("slot-killed", "killed while waiting for a slot", S::Slot, &["ERESTARTSYS"])
        .by(&["__request_module"])
        .logs(&["sigkill sent for modprobe"])
        .means(
            "a fatal signal came while the task waited for one of the 50 slots",
            "see who sent it, and what held the slots",
        )
        .on("up to 6.3");
    HELPER_DISABLED = Cause::new("helper-disabled", "no helpers at this time", S::Helper, &["EBUSY"])
        .by(&["call_usermodehelper_exec"])
        .means(
            "user-mode helpers are disabled: early in the boot, or while the system goes to sleep or wakes",
            "load the module beforehand, or build it in",
        );
    NO_MODPROBE = Cause::new("no-modprobe", "no modprobe", S::Helper, &["ENOENT"])
        .by(&["call_usermodehelper_exec", "__request_module"])
        .means(
            "/proc/sys/kernel/modprobe is empty, or names a program that does not exist",
            "install kmod, or correct kernel.modprobe",
        );
    HELPER_NOT_STARTED = Cause::new(
        "helper-not-started",
        "modprobe could not be started",
        S::Helper,
        &["EACCES", "ENOEXEC", "ELIBBAD", "ELOOP", "ENOTDIR", "EISDIR"],
    )
    .or_any()
    .status(Status::NotStarted)
    .by(&["call_usermodehelper_exec"])
    .means(
        "the program named by /proc/sys/kernel/modprobe is there and could not be started: exit 127, or 126, mostly says \
         that its interpreter or a library is missing, else execve gives the errno",
        "run that program by hand; look for ldd's \"not found\"",
    );
    MODPROBE_FAILED = Cause::new("modprobe-failed", "modprobe failed", S::Helper, &[])
        .status(Status::Exit)
        .by(&["call_usermodehelper_exec", "modprobe"])
        .means(
            "modprobe ran and failed; its exit status does not say why, the attempts that it made do; without any, it refused \
             before it asked the kernel: no module of this name or alias, a line in modprobe.d, no /lib/modules/RELEASE",
            "modprobe -n -v NAME shows what it would do; see blacklist, install and alias lines in modprobe.d, and run depmod -a",
        );
    NOTHING_LOADED = Cause::new("nothing-loaded", "modprobe succeeded, and what was asked for is not there", S::Helper, &[])
        .by(&["get_fs_type", "modprobe"])
        .means(
            "modprobe ended with 0 without loading it: an install line in modprobe.d ran something else (such as /bin/true), \
             or the module that has this alias does not register what was asked for",
            "look for install and alias lines in modprobe.d: modprobe -n -v NAME shows what it runs",
        );
    MODPROBE_KILLED = Cause::new("modprobe-killed", "modprobe was killed", S::Helper, &[])
        .status(Status::Signal)
        .by(&["call_usermodehelper_exec", "modprobe"])
        .means(
            "modprobe was ended by a signal, as by the OOM killer",
            "look for the OOM killer in the kernel log; compressed modules need memory to be decompressed",
        );
    REQUEST_KILLED = Cause::new("request-killed", "killed while waiting for modprobe", S::Helper, &["ERESTARTSYS"])
        .by(&["call_usermodehelper_exec"])
        .means(
            "the task that asked got a fatal signal; its modprobe runs on",
            "see who sent it; the module may still be loaded",
        );
    OUTSIDE = Cause::new("outside", "made up by a caller", S::Caller, &["EINVAL"])
        .by(&["call_usermodehelper_exec"])
        .means(
            "no function of the loader returned it. A caller of request_module dropped what it got and made up its own: \
             get_fs_type returns NULL for every failure, of which mount makes ENODEV, and tally_work_test of lib/test_kmod.c \
             EINVAL. A failing install command of modprobe.d, and a helper without a path, look the same",
            "look at the requests that failed: kmodtrace why names the real cause",
        );
}
