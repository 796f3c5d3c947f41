//! Unloads.

use super::Cause;
use crate::model::Stage as S;

causes! {
    UNLOAD_ABSENT = Cause::new("unload-absent", "no such module", S::Entry, &["ENOENT"])
        .by(&["delete_module"])
        .means(
            "no module of this name is loaded",
            "check the name: the kernel writes _ for -",
        );
    UNLOAD_BUSY = Cause::new("unload-busy", "cannot be unloaded now", S::Entry, &["EBUSY"])
        .by(&["delete_module"])
        .means(
            "the module is not LIVE (its init still runs, or it is going away), or it has an init and no exit function",
            "wait until its load is over; a module without exit cannot be unloaded",
        );
    UNLOAD_IN_USE = Cause::new("unload-in-use", "module in use", S::Entry, &["EAGAIN"])
        .by(&["delete_module", "try_stop_module"])
        .means(
            "somebody uses the module, or another module depends on it",
            "lsmod shows the users; unload them first (modprobe -r does)",
        );
    UNLOAD_NO_CAPABILITY = Cause::new(
        "unload-no-capability",
        "not allowed to unload modules",
        S::Entry,
        &["EPERM"],
    )
    .by(&["delete_module"])
    .means(
        "the caller has no CAP_SYS_MODULE, or kernel.modules_disabled is 1",
        "unload as root outside of containers and sandboxes",
    );
    UNLOAD_INTERRUPTED = Cause::new("unload-interrupted", "signal while unloading", S::Entry, &["EINTR"])
        .by(&["delete_module"])
        .means(
            "a signal came while the task waited for module_mutex",
            "unload again; see who held the mutex so long",
        );
    UNLOAD_BAD_NAME = Cause::new("unload-bad-name", "name not readable", S::Entry, &["EFAULT"])
        .by(&["delete_module"])
        .means(
            "the address of the name is not memory of the caller",
            "hand over a string",
        );
}
