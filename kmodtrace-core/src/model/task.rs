//! Tasks as others refer to them.

use super::ids::AttemptId;
use super::name::Name;
use super::units::{Tgid, Tid};

/// A task inside an attempt, as others refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRef {
    /// Task.
    pub tid: Tid,
    /// Name of the task; empty if its entry was not seen.
    pub comm: Name,
    /// Attempt that the task was making.
    pub attempt: AttemptId,
}

/// An ancestor of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Thread group of the ancestor.
    pub tgid: Tgid,
    /// Name of the ancestor.
    pub comm: Name,
}

/// Programs that load modules for whoever started them.
pub(crate) const LOADERS: &[&str] = &["modprobe", "insmod", "rmmod", "kmod"];

/// Whether it is udevd, a worker of it, or udevadm.
pub(crate) fn is_udev(comm: &str) -> bool {
    comm.contains("udev")
}

/// Whether systems have tasks of this name, whosever they are: those that analyses go by, those of the kernel, and what starts a system.
pub(crate) fn is_of_every_system(comm: &str) -> bool {
    const NAMES: &[&str] = &["init", "sh", "busybox", "kthreadd", "kdevtmpfs", "depmod", "kmodtrace"];
    const BEGINS: &[&str] = &["systemd", "(systemd", "(sd-", "dracut", "kworker/", "swapper/"];
    is_udev(comm)
        || [LOADERS, NAMES].iter().any(|names| names.contains(&comm))
        || BEGINS.iter().any(|begin| comm.starts_with(begin))
}

/// The name that tasks of one kind share: they are numbered, as `test_kmod-12`, `kworker/u8:1`.
pub fn kind_of_task(comm: &str) -> &str {
    let comm = comm.split_once('/').map_or(comm, |(kind, _)| kind);
    let kind = comm.trim_end_matches(|c: char| c.is_ascii_digit());
    let kind = kind.strip_suffix(['-', ':']).unwrap_or(comm);
    if kind.is_empty() { comm } else { kind }
}
