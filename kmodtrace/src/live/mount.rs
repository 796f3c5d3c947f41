//! File systems of the kernel that need not be mounted where this process sees them.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

/// The root of the hierarchy of cgroups. Where it is mounted already, that mount is opened: another one without its options would take
/// `nsdelegate` and others from all of them (`apply_cgroup_root_flags`, kernel/cgroup/cgroup.c). In an initramfs nobody has mounted it
/// yet, and who does so later gives it options. In between, where it is mounted and not to be seen, there is none.
pub(super) fn cgroups() -> io::Result<OwnedFd> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    if let Some(place) = mounts.lines().find_map(mounted_cgroups) {
        return File::open(place).map(OwnedFd::from);
    }
    // The line of the hierarchy is shown from the first mount on (`proc_cgroup_show`, kernel/cgroup/cgroup.c).
    let is_mounted = fs::read_to_string("/proc/self/cgroup")?
        .lines()
        .any(|line| line.starts_with("0::"));
    if is_mounted {
        return Err(io::ErrorKind::NotFound.into());
    }
    unseen("cgroup2")
}

/// Where a line of mountinfo has all cgroups: `27 20 0:24 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate` (`proc_pid_mountinfo(5)`).
fn mounted_cgroups(line: &str) -> Option<&str> {
    let (mount, system) = line.split_once(" - ")?;
    let mut words = mount.split(' ').skip(3);
    let (root, place) = (words.next()?, words.next()?);
    // A backslash begins what is written in another way.
    (system.starts_with("cgroup2 ") && root == "/" && !place.contains('\\')).then_some(place)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroups_are_found_where_all_of_them_are_mounted() {
        for (line, place) in [
            (
                "27 20 0:24 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate",
                Some("/sys/fs/cgroup"),
            ),
            (
                "28 20 0:25 / /sys/fs/cgroup/unified rw - cgroup2 cgroup rw",
                Some("/sys/fs/cgroup/unified"),
            ),
            ("29 20 0:24 /a.slice /mnt rw - cgroup2 cgroup2 rw", None),
            ("30 20 0:24 / /a\\040b rw - cgroup2 cgroup2 rw", None),
            ("31 20 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu", None),
            ("27 20 0:24", None),
            ("", None),
        ] {
            assert_eq!(mounted_cgroups(line), place, "{line}");
        }
    }
}
