//! What the kernel knows about a process: the time that it ran, how often it woke up, its memory.

use std::fs;
use std::io;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// The processor time of all its threads, in nanoseconds where `/proc` has ticks of a hundredth.
pub(crate) fn cpu_time(pid: libc::pid_t) -> Result<Duration> {
    let mut clock = 0;
    // SAFETY: the call writes one clock's number.
    let error = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    ensure!(
        error == 0,
        "no clock of process {pid}: {}",
        io::Error::from_raw_os_error(error)
    );
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills in the timespec that it is given.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    ensure!(
        result == 0,
        "cannot read the clock of process {pid}: {}",
        io::Error::last_os_error()
    );
    Ok(Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec)?))
}

/// How often its threads went to sleep, which is how often they woke up.
pub(crate) fn wake_ups(pid: libc::pid_t) -> Result<u64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("no threads of process {pid}"))?;
    tasks
        .map(|task| {
            let status = fs::read_to_string(task?.path().join("status"))?;
            field(&status, "voluntary_ctxt_switches:")
        })
        .sum()
}

/// Resident memory now and at its peak, in kB.
pub(crate) fn memory(pid: libc::pid_t) -> Result<[u64; 2]> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("no process {pid}"))?;
    Ok([field(&status, "VmRSS:")?, field(&status, "VmHWM:")?])
}

fn field(status: &str, name: &str) -> Result<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    let value = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
    value.with_context(|| format!("no {name} in a status"))
}
