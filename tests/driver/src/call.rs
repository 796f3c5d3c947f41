//! One system call that loads a module, takes it out, or makes the kernel ask for one, and what came back.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt as _;
use std::ptr;
use std::{fs, io};

use libc::{c_int, c_long};

use crate::library::{Copy, Module};

/// The arguments of one call as the kernel gets them: also wrong ones can be said, and a forked child needs no
/// allocation to make it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    /// `finit_module(fd, uargs, flags)`.
    Finit {
        /// An open file, or no file at all.
        fd: RawFd,
        /// Address of the argument string.
        uargs: usize,
        /// `MODULE_INIT_*`.
        flags: c_int,
    },
    /// `init_module(umod, len, uargs)`.
    Init {
        /// Address of the image.
        umod: usize,
        /// Its length in bytes.
        len: usize,
        /// Address of the argument string.
        uargs: usize,
    },
    /// `delete_module(name, O_NONBLOCK)`, which is what `rmmod` does.
    Delete {
        /// Address of the name.
        name: usize,
    },
    /// `mount` of a file system that nothing is behind: `get_fs_type` requests it where it is not there.
    Mount {
        /// Address of the file system's name.
        filesystem: usize,
    },
    /// One of the first three as a 32-bit program makes it.
    #[cfg(target_arch = "x86_64")]
    Ia32 {
        /// Its name, as the log has it.
        name: &'static str,
        /// Its number for such programs (`arch/x86/entry/syscalls/syscall_32.tbl`).
        number: u32,
        /// Its arguments.
        args: [u32; 3],
    },
}

/// No arguments for the module.
pub(crate) fn no_args() -> usize {
    c"".as_ptr() as usize
}

impl Call {
    /// `finit_module` of a module's own file.
    pub(crate) fn finit(module: &Module, uargs: usize) -> Self {
        Self::Finit {
            fd: module.file.as_raw_fd(),
            uargs,
            flags: 0,
        }
    }

    /// `finit_module` of a file, with flags and no arguments.
    pub(crate) fn finit_file(file: &impl AsRawFd, flags: c_int) -> Self {
        Self::Finit {
            fd: file.as_raw_fd(),
            uargs: no_args(),
            flags,
        }
    }

    /// `finit_module` of a copy of it, which is another inode.
    pub(crate) fn finit_copy(copy: &Copy) -> Self {
        Self::finit_file(&copy.0, 0)
    }

    /// `init_module` from memory.
    pub(crate) fn init(module: &Module, uargs: usize) -> Self {
        Self::Init {
            umod: module.image.as_ptr() as usize,
            len: module.image.len(),
            uargs,
        }
    }

    /// `delete_module`.
    pub(crate) fn delete(name: &CStr) -> Self {
        Self::Delete {
            name: name.as_ptr() as usize,
        }
    }

    /// `mount`.
    pub(crate) fn mount(filesystem: &CStr) -> Self {
        Self::Mount {
            filesystem: filesystem.as_ptr() as usize,
        }
    }

    /// The same as a 32-bit program makes it, which other processors have no other way for. What it points to must lie
    /// below 4 GiB: of an address the lower half is left.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "as such a program would say it"
    )]
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn in_ia32(self) -> Self {
        let name = self.name();
        let (number, args) = match self {
            Self::Finit { fd, uargs, flags } => (350, [fd as u32, uargs as u32, flags as u32]),
            Self::Init { umod, len, uargs } => (128, [umod, len, uargs].map(|arg| arg as u32)),
            Self::Delete { name } => (129, [name as u32, libc::O_NONBLOCK as u32, 0]),
            Self::Mount { .. } | Self::Ia32 { .. } => return self,
        };
        Self::Ia32 { name, number, args }
    }

    /// Its name, as the log has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Ia32 { name, .. } => name,
            Self::Finit { .. } => "finit_module",
            Self::Init { .. } => "init_module",
            Self::Delete { .. } => "delete_module",
            Self::Mount { .. } => "mount",
        }
    }

    /// Where the file lies, without the mark of one that has no name any more; none for other calls, and for a pipe.
    pub(crate) fn path(self) -> Option<String> {
        let Self::Finit { fd, .. } = self else { return None };
        let path = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
        let path = path.to_str().filter(|path| path.starts_with('/'))?;
        Some(path.strip_suffix(" (deleted)").unwrap_or(path).to_owned())
    }

    /// The argument string; none for other calls, and where there is none at that address.
    pub(crate) fn args(self) -> Option<String> {
        let (Self::Finit { uargs, .. } | Self::Init { uargs, .. }) = self else {
            return None;
        };
        let mut bytes = [0; 127];
        let memory = fs::File::open("/proc/self/mem").ok()?;
        let len = memory.read_at(&mut bytes, uargs as u64).ok()?;
        let string = CStr::from_bytes_until_nul(bytes.get(..len)?).ok()?;
        Some(string.to_str().ok()?.to_owned())
    }

    /// Makes it. Allocates nothing and takes no lock, for children forked from a program with threads.
    pub(crate) fn make(self) -> Made {
        let (task, group) = identity();
        let start_ns = now_ns();
        let result = self.enter();
        // Nothing may come in between: this reads the thread's errno, and does not allocate.
        let errno = if result == -1 {
            io::Error::last_os_error().raw_os_error()
        } else {
            Some(0)
        };
        Made {
            tid: task,
            tgid: group,
            start_ns,
            end_ns: now_ns(),
            errno,
        }
    }

    fn enter(self) -> c_long {
        match self {
            // SAFETY: the kernel reads its arguments and writes nothing back; a wrong address is EFAULT.
            Self::Finit { fd, uargs, flags } => unsafe { libc::syscall(libc::SYS_finit_module, fd, uargs, flags) },
            // SAFETY: as above.
            Self::Init { umod, len, uargs } => unsafe { libc::syscall(libc::SYS_init_module, umod, len, uargs) },
            // SAFETY: as above.
            Self::Delete { name } => unsafe { libc::syscall(libc::SYS_delete_module, name, libc::O_NONBLOCK) },
            // SAFETY: as above; no data is an allowed value.
            Self::Mount { filesystem } => unsafe {
                libc::syscall(
                    libc::SYS_mount,
                    c"none".as_ptr(),
                    c"/".as_ptr(),
                    filesystem,
                    libc::MS_RDONLY,
                    ptr::null::<libc::c_void>(),
                )
            },
            #[cfg(target_arch = "x86_64")]
            Self::Ia32 { number, args, .. } => ia32(number, args),
        }
    }
}

/// Makes a system call as a 32-bit program does, which any program can: -1, and errno is set, or what it returned.
#[cfg(target_arch = "x86_64")]
fn ia32(number: u32, [bx, cx, dx]: [u32; 3]) -> c_long {
    let result: i32;
    // SAFETY: the kernel reads its arguments and writes nothing back; a wrong address is EFAULT. Kernels before 4.17 zero r8 to r11.
    unsafe {
        std::arch::asm!(
            "xchg rbx, {bx}",
            "int 0x80",
            "xchg rbx, {bx}",
            bx = inout(reg) u64::from(bx) => _,
            inlateout("eax") number => result,
            in("ecx") cx,
            in("edx") dx,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    if result >= 0 {
        return result.into();
    }
    // SAFETY: the thread's own errno, where libc's calls put it too.
    unsafe { *libc::__errno_location() = -result };
    -1
}

/// A call that was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    /// The task.
    pub(crate) tid: i32,
    /// Its thread group.
    pub(crate) tgid: i32,
    /// `CLOCK_MONOTONIC` just before.
    pub(crate) start_ns: u64,
    /// `CLOCK_MONOTONIC` just after; of a killed task, when its parent got to know.
    pub(crate) end_ns: u64,
    /// 0 or a positive errno; none when the task was killed inside.
    pub(crate) errno: Option<i32>,
}

/// `CLOCK_MONOTONIC` in nanoseconds, the clock of `bpf_ktime_get_ns`.
pub(crate) fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills in the timespec that it is given; this clock exists everywhere, so it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// The calling task.
pub(crate) fn tid() -> i32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::gettid() }
}

/// The calling task and its thread group.
fn identity() -> (i32, i32) {
    // SAFETY: takes nothing and cannot fail.
    (tid(), unsafe { libc::getpid() })
}
