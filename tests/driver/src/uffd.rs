//! A page whose first touch blocks whoever touches it, the kernel included, until it is let through.
//!
//! The border is what matters: the page before it is there, the page behind it is missing and registered with
//! userfaultfd. A copy by the kernel that runs over the border sleeps in `handle_userfault` with whatever it holds.

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::ptr;

use anyhow::{Context as _, Result, ensure};
use libc::c_ulong;

use crate::watch;

/// x86-64 and every other architecture in the tests.
const PAGE: usize = 4096;

const UFFD_API: u64 = 0xaa;
const UFFD_EVENT_PAGEFAULT: u8 = 0x12;
const UFFDIO_API: c_ulong = 0xc018_aa3f;
const UFFDIO_REGISTER: c_ulong = 0xc020_aa00;
const UFFDIO_REGISTER_MODE_MISSING: u64 = 1;
const UFFDIO_ZEROPAGE: c_ulong = 0xc020_aa04;

/// `struct uffdio_api`.
#[repr(C)]
struct Handshake {
    version: u64,
    features: u64,
    ioctls: u64,
}

/// `struct uffdio_register` and `struct uffdio_zeropage`, which have the same shape.
#[repr(C)]
struct Range {
    start: u64,
    len: u64,
    mode: u64,
    result: u64,
}

/// Two pages and the border between them. The pages stay mapped as long as the program runs: a task that was given an
/// address in them may use it at any time. Dropping it lets everybody through.
pub(crate) struct Border {
    base: usize,
    uffd: OwnedFd,
}

impl Border {
    /// Maps the two and arms the second.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: takes flags only.
        let fd = unsafe { libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | libc::O_NONBLOCK) };
        ensure!(fd >= 0, "userfaultfd: {}", io::Error::last_os_error());
        // SAFETY: the kernel has just made this descriptor for nobody else.
        let uffd = unsafe { OwnedFd::from_raw_fd(i32::try_from(fd)?) };
        let mut handshake = Handshake {
            version: UFFD_API,
            features: 0,
            ioctls: 0,
        };
        // SAFETY: the struct has the layout that UFFDIO_API reads and writes.
        let done = unsafe { libc::ioctl(uffd.as_raw_fd(), UFFDIO_API, &raw mut handshake) };
        ensure!(done == 0, "UFFDIO_API: {}", io::Error::last_os_error());
        let (prot, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        );
        // SAFETY: a new mapping where the kernel likes it.
        let base = unsafe { libc::mmap(ptr::null_mut(), 2 * PAGE, prot, flags, -1, 0) };
        ensure!(base != libc::MAP_FAILED, "mmap: {}", io::Error::last_os_error());
        let border = Self {
            base: base as usize,
            uffd,
        };
        border
            .ioctl(UFFDIO_REGISTER, UFFDIO_REGISTER_MODE_MISSING)
            .context("UFFDIO_REGISTER")?;
        Ok(border)
    }

    /// Address of the first missing byte.
    fn border(&self) -> usize {
        self.base + PAGE
    }

    /// Writes `bytes` so that they end at the border; their address.
    pub(crate) fn write_before(&mut self, bytes: &[u8]) -> Result<usize> {
        ensure!(
            bytes.len() <= PAGE,
            "{} bytes do not fit before the border",
            bytes.len()
        );
        let address = self.border() - bytes.len();
        // SAFETY: the first page is mapped writable, is nobody else's, and the bytes fit into it.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
        Ok(address)
    }

    /// A string of arguments for a module that says nothing and runs over the border.
    ///
    /// A page of blanks, which `parse_args` skips, and then the missing NUL. It is so long because a tracer may read
    /// the beginning of the string: since 6.19 the tracepoints of system calls themselves do so with page faults on,
    /// and would sleep here instead of `load_module`.
    pub(crate) fn blank_args(&mut self) -> Result<usize> {
        self.write_before(&[b' '; PAGE])
    }

    /// Waits until somebody sleeps at the border.
    pub(crate) fn wait_fault(&self, who: &str) -> Result<()> {
        watch::until(&format!("{who} sleeps at a page fault"), || {
            // struct uffd_msg: event in the first of 32 bytes.
            let mut message = [0_u8; 32];
            // SAFETY: the kernel writes at most the length it is given into the buffer.
            let read = unsafe { libc::read(self.uffd.as_raw_fd(), message.as_mut_ptr().cast(), message.len()) };
            if read < 0 {
                let error = io::Error::last_os_error();
                ensure!(error.kind() == io::ErrorKind::WouldBlock, "userfaultfd: {error}");
                return Ok(false);
            }
            Ok(message[0] == UFFD_EVENT_PAGEFAULT)
        })
    }

    /// Lets everybody through: the missing page is there and full of zeros.
    pub(crate) fn open(&self) -> Result<()> {
        self.ioctl(UFFDIO_ZEROPAGE, 0).context("UFFDIO_ZEROPAGE")
    }

    fn ioctl(&self, request: c_ulong, mode: u64) -> Result<()> {
        let mut range = Range {
            start: self.border() as u64,
            len: PAGE as u64,
            mode,
            result: 0,
        };
        // SAFETY: the struct has the layout that both requests read and write; the range is the second page.
        let done = unsafe { libc::ioctl(self.uffd.as_raw_fd(), request, &raw mut range) };
        ensure!(done == 0, io::Error::last_os_error());
        Ok(())
    }
}
