//! A process that makes one call, so that it can be killed in it, with a tid that can be chosen.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use anyhow::{Result, ensure};

use crate::call::{Call, Made, now_ns};
use crate::watch;

/// What the child tells, in memory shared with its parent.
#[repr(C)]
struct Slot {
    start_ns: AtomicU64,
    end_ns: AtomicU64,
    errno: AtomicI32,
}

/// A child in the middle of its call, or done with it.
pub(crate) struct Child {
    /// The child, its only thread included.
    pub(crate) tid: i32,
    slot: &'static Slot,
}

impl Child {
    /// Starts it.
    pub(crate) fn start(call: Call) -> Result<Self> {
        Self::fork(call, &[])
    }

    /// Starts it as a task that is gone: `clone3` with `set_tid`, 5.5 and later.
    pub(crate) fn start_as(tid: i32, call: Call) -> Result<Self> {
        let child = Self::fork(call, &[tid])?;
        ensure!(child.tid == tid, "asked for task {tid} and got {}", child.tid);
        Ok(child)
    }

    fn fork(call: Call, set_tid: &[i32]) -> Result<Self> {
        let slot = shared_slot()?;
        // SAFETY: a struct of integers, for which zeros mean "not used".
        let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
        args.exit_signal = u64::from(libc::SIGCHLD.unsigned_abs());
        if !set_tid.is_empty() {
            args.set_tid = set_tid.as_ptr() as u64;
            args.set_tid_size = set_tid.len() as u64;
        }
        // SAFETY: without CLONE_VM this is fork: the child has its own copy of all memory and goes on with this stack.
        // Other threads may hold locks of the allocator, so it makes system calls only, and never returns from here.
        let tid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<libc::clone_args>()) };
        if tid == 0 {
            slot.start_ns.store(now_ns(), Ordering::Release);
            slot.tell(call.make());
            // SAFETY: ends this process without running anything of the parent's.
            unsafe { libc::_exit(0) };
        }
        ensure!(
            tid > 0,
            "clone3 with set_tid {set_tid:?}: {}",
            io::Error::last_os_error()
        );
        let tid = i32::try_from(tid)?;
        Ok(Self { tid, slot })
    }

    /// Kills it in its call and waits for its end.
    pub(crate) fn kill(self) -> Result<Made> {
        // SAFETY: sends a signal to a child of ours that nobody has waited for, so the number is still its own.
        let sent = unsafe { libc::kill(self.tid, libc::SIGKILL) };
        ensure!(sent == 0, "kill: {}", io::Error::last_os_error());
        self.finish()
    }

    /// Waits for its end.
    pub(crate) fn finish(self) -> Result<Made> {
        let mut status = 0;
        watch::until(&format!("child {} ends", self.tid), || {
            // SAFETY: writes the status of a child of ours.
            let ended = unsafe { libc::waitpid(self.tid, &raw mut status, libc::WNOHANG) };
            ensure!(ended >= 0, "waitpid: {}", io::Error::last_os_error());
            Ok(ended == self.tid)
        })?;
        let returned = libc::WIFEXITED(status);
        let load = |time: &AtomicU64| time.load(Ordering::Acquire);
        Ok(Made {
            tid: self.tid,
            tgid: self.tid,
            start_ns: load(&self.slot.start_ns),
            end_ns: if returned { load(&self.slot.end_ns) } else { now_ns() },
            errno: returned.then(|| self.slot.errno.load(Ordering::Acquire)),
        })
    }
}

impl Slot {
    fn tell(&self, made: Made) {
        self.start_ns.store(made.start_ns, Ordering::Release);
        self.end_ns.store(made.end_ns, Ordering::Release);
        self.errno.store(made.errno.unwrap_or(0), Ordering::Release);
    }
}

/// Memory that a child shares. It stays as long as the program runs.
fn shared_slot() -> Result<&'static Slot> {
    let (prot, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_SHARED | libc::MAP_ANONYMOUS,
    );
    // SAFETY: a new mapping where the kernel likes it.
    let slot = unsafe { libc::mmap(ptr::null_mut(), size_of::<Slot>(), prot, flags, -1, 0) };
    ensure!(slot != libc::MAP_FAILED, "mmap: {}", io::Error::last_os_error());
    // SAFETY: page-aligned, zeroed, which is a valid Slot, large enough, never unmapped, and only used atomically.
    Ok(unsafe { &*slot.cast::<Slot>() })
}
