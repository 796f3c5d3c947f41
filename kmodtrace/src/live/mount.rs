//! File systems of the kernel that need not be mounted where this process sees them.

use std::io;
use std::os::fd::OwnedFd;

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

/// The root of a file system, `cgroup2` or `securityfs`, mounted where no process sees it, and for as long as that is open. In an
/// initramfs few are mounted, and what was started there sees none of those of the real root. Needs `CAP_SYS_ADMIN`.
pub(super) fn unseen(system: &str) -> io::Result<OwnedFd> {
    let opened = fsopen(system, FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&opened)?;
    Ok(fsmount(
        &opened,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_RDONLY,
    )?)
}
