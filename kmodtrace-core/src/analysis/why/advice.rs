//! What to do about a failure: by its cause, and where that is the module's own init function or a lack of memory by what is known
//! of this very load.

use super::window::Window;
use crate::analysis::causes::{image, start};
use crate::analysis::origin::Origin;
use crate::model::{Attempt, Errno};

/// What to do about an errno of an init function, by the errno.
static OF_INIT: &[(&[&str], &str)] = &[
    (
        &["ENODEV", "ENXIO"],
        "mostly the hardware that it drives is not there, or another driver has it: see the kernel log, lspci -k and lsusb -t",
    ),
    (
        &["EBUSY"],
        "something that it needs is taken: a device number (/proc/devices), memory or ports (/proc/iomem, /proc/ioports), an \
         interrupt (/proc/interrupts), or another driver has the device",
    ),
    (
        &["EEXIST"],
        "something that it registers exists already: another module, or a driver built into the kernel, has that name",
    ),
    (
        &["ENOENT"],
        "something that it looks for is not there, such as a firmware file: see the kernel log for its name",
    ),
    (
        &["ENOMEM"],
        "it could not allocate what it needs: see the kernel log for the size, and the module's parameters for buffers",
    ),
    (
        &["EINVAL", "ERANGE", "E2BIG"],
        "it does not accept a value: see the kernel log, and its parameters (modinfo -p, modprobe.d)",
    ),
    (
        &["EPERM", "EACCES"],
        "the firmware, a hypervisor or kernel lockdown refuses it something: see the kernel log",
    ),
    (
        &["ETIMEDOUT", "EIO", "EREMOTEIO"],
        "its device did not answer, or answered with an error: see the kernel log",
    ),
    (
        &["EPROBE_DEFER"],
        "something that it depends on was not there yet: /sys/kernel/debug/devices_deferred shows who still waits",
    ),
    (
        &["EOPNOTSUPP", "ENOSYS"],
        "this kernel, CPU or device lacks something that it needs: see the kernel log",
    ),
];

const OF_ANY_INIT: &str =
    "see the kernel log for what the driver says; kmodtrace drill NAME shows which of its functions made it";

/// What to do where it is known that the capability was lacking, and not that loading is off.
pub(super) const TO_HAVE_IT: &str = "load as root outside of containers and sandboxes";

/// One sentence; none where the cause is not known.
pub(super) fn advice(attempt: &Attempt, origin: &Origin, window: &Window) -> Option<String> {
    if window.around.retried(attempt.id).is_some() {
        return Some("nothing: the same task loaded the module right after".to_owned());
    }
    let [cause] = origin.causes.as_slice() else {
        let ids: Vec<&str> = origin.causes.iter().map(|cause| cause.id).collect();
        return (!ids.is_empty()).then(|| {
            format!(
                "which of these it was is not certain: {}; kmodtrace explain says what to do about each",
                ids.join(", ")
            )
        });
    };
    match *cause {
        cause if cause == &start::INIT => Some(of_init(origin.from_errno().unwrap_or(origin.errno)).to_owned()),
        cause if cause == &image::MEMORY => Some(memory(attempt, window)),
        cause => Some(cause.advice.to_owned()),
    }
}

fn of_init(errno: Errno) -> &'static str {
    let row = OF_INIT.iter().find(|(errnos, _)| errnos.contains(&&*errno.name()));
    row.map_or(OF_ANY_INIT, |(_, advice)| advice)
}

/// Many loads at once are the reason only where there were many, and never for per-CPU data: that is allocated after the check for
/// duplicates (`load_module`, kernel/module/main.c).
fn memory(attempt: &Attempt, window: &Window) -> String {
    if let Some(bytes) = percpu_bytes(attempt) {
        return format!(
            "it asks for {bytes} bytes of per-CPU data, and all modules share one reserve for that, mostly of 8 KiB a CPU: unload others \
             that have such data, or build it with less"
        );
    }
    let loads = attempt
        .module
        .as_deref()
        .map_or(0, |module| window.around.loads_of(module));
    if loads > 1 {
        format!(
            "{loads} loads of it were made: each takes memory before the kernel sees that it is a duplicate; load it once, and raise \
             vmalloc= only after that"
        )
    } else {
        "compare what it asks for (the kernel log, and .bss and .data..percpu in readelf -SW) with what is free: /proc/meminfo, \
         /proc/vmallocinfo; per-CPU data of modules has a reserve of 8 KiB a CPU"
            .to_owned()
    }
}

/// How much per-CPU data a load asked for in vain, where the kernel's line about that was recorded.
fn percpu_bytes(attempt: &Attempt) -> Option<u64> {
    attempt.log.iter().find_map(|line| {
        let (_, size) = line.text.split_once(": Could not allocate ")?;
        size.strip_suffix(" bytes percpu data")?.parse().ok()
    })
}
