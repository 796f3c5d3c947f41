//! Events of tracefs as performance events, which BPF programs run on. aya 0.14 opens only those that it makes itself.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};

use super::bpf::owned;

/// `PERF_TYPE_TRACEPOINT`, `include/uapi/linux/perf_event.h`.
const TRACEPOINT: u32 = 2;
/// `PERF_ATTR_SIZE_VER0`: all that a tracepoint needs.
const ATTR_SIZE: u32 = 64;
/// `PERF_FLAG_FD_CLOEXEC`, of the same.
const CLOEXEC: libc::c_ulong = 8;
/// `PERF_EVENT_IOC_SET_BPF`, `_IOW('$', 8, __u32)` of the same.
const SET_BPF: libc::Ioctl = 0x4004_2408;
/// `PERF_EVENT_IOC_ENABLE`, `_IO('$', 0)` of the same.
const ENABLE: libc::Ioctl = 0x2400;

/// Opens the event of this number. A program on it runs on every processor, whichever it is opened for.
pub(super) fn open(id: u64) -> io::Result<OwnedFd> {
    let mut attr = [0_u64; ATTR_SIZE as usize / size_of::<u64>()];
    attr[0] = u64::from(TRACEPOINT) | u64::from(ATTR_SIZE) << 32;
    attr[1] = id;
    // SAFETY: the attributes are as long as they say, are read only, and live until the call returns.
    let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, attr.as_ptr(), -1, 0, -1, CLOEXEC) };
    owned(fd)
}

/// Runs a program on it until it is closed. Links do the same from 5.15 on.
pub(super) fn run(event: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: both commands take a number, and both files are open.
    let done = unsafe {
        libc::ioctl(event.as_raw_fd(), SET_BPF, program.as_raw_fd()) == 0
            && libc::ioctl(event.as_raw_fd(), ENABLE, 0) == 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}
