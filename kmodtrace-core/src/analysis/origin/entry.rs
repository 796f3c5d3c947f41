//! Errnos of the system calls themselves: nothing of the loader was entered.

use super::{Certainty, Origin, trail};
use crate::analysis::causes::{Cause, image, link, of_unloads};
use crate::model::{Attempt, Errno, Function, Stage, Syscall};
use crate::plan::{Coverage, Observed};

/// `MODULE_INIT_COMPRESSED_FILE` of include/uapi/linux/module.h.
const COMPRESSED: u32 = 4;
/// All flags there are, up to 7.2.
const FLAGS: u32 = 1 | 2 | COMPRESSED;

const EPERM: Errno = Errno(1);
const ENOEXEC: Errno = Errno(8);
const ENOMEM: Errno = Errno(12);
const EACCES: Errno = Errno(13);
const EFAULT: Errno = Errno(14);
const EINVAL: Errno = Errno(22);
const EOPNOTSUPP: Errno = Errno(95);

/// A load that ended before `load_module`, without a function that is watched having returned its errno.
pub(super) fn load(attempt: &Attempt, errno: Errno, coverage: &Coverage) -> Option<Origin> {
    let inside = |function: Function| trail::place(function).is_some();
    if attempt.load.is_some() || attempt.trail.iter().any(|mark| inside(mark.function)) {
        // Reading went well, and the kernel has nothing that decompresses: finit_module itself says so.
        let (compressed, read) = (attempt.flags & COMPRESSED != 0, attempt.load.is_none());
        return (compressed && read && errno == EOPNOTSUPP).then(unsupported(errno));
    }
    let (function, causes): (&str, &[&Cause]) = match attempt.syscall {
        Some(Syscall::FinitModule) => ("finit_module", finit(errno, attempt.flags)),
        Some(Syscall::InitModule) => ("init_module", init(errno)),
        _ => return None,
    };
    let mut origin = Origin::exact(errno, function, causes.to_vec(), Stage::Entry);
    // finit_module passes on what another task's load or the reading of the file gave: it is the maker if neither was seen to.
    let finit = attempt.syscall == Some(Syscall::FinitModule);
    let shared = finit && !coverage.observed(Observed::SameInodeWaits);
    let read = finit && !coverage.observed(Observed::ReadBytes);
    if shared {
        origin.causes.push(&link::SHARED_LOAD);
    }
    if causes.len() > 1 || shared || read || !attempt.notes.is_empty() {
        origin.certainty = Certainty::Gap {
            after: "its entry",
            before: "its return",
        };
    }
    Some(origin)
}

fn unsupported(errno: Errno) -> impl FnOnce() -> Origin {
    move || {
        Origin::exact(
            errno,
            "finit_module",
            vec![&image::COMPRESSED_UNSUPPORTED],
            Stage::Decompress,
        )
    }
}

fn finit(errno: Errno, flags: u32) -> &'static [&'static Cause] {
    match errno {
        EINVAL if flags & !FLAGS != 0 => &[&image::FLAGS],
        // Up to 5.16 flag 4 is unknown; else the file was not read by a function that is watched.
        EINVAL if flags & COMPRESSED != 0 => &[&image::FLAGS, &image::BAD_COMPRESSION, &image::UNREADABLE_FILE],
        EINVAL => &[&image::UNREADABLE_FILE, &image::FLAGS],
        Errno::EBADF => &[&image::BAD_FD],
        EPERM => &[&image::NO_CAPABILITY],
        EACCES => &[&image::LSM],
        ENOMEM => &[&image::MEMORY],
        EOPNOTSUPP => &[&image::COMPRESSED_UNSUPPORTED],
        _ => &[],
    }
}

fn init(errno: Errno) -> &'static [&'static Cause] {
    match errno {
        EFAULT => &[&image::BAD_IMAGE_ADDRESS],
        ENOEXEC => &[&image::IMAGE_TOO_SHORT],
        EPERM => &[&image::NO_CAPABILITY, &image::LSM],
        EACCES => &[&image::LSM],
        ENOMEM => &[&image::MEMORY],
        _ => &[],
    }
}

/// An unload: `delete_module` makes all its errnos itself.
pub(super) fn unload(errno: Errno) -> Origin {
    let causes = of_unloads().filter(|cause| cause.makes(errno));
    Origin::exact(errno, "delete_module", causes.collect(), Stage::Entry)
}
