//! Following a recording that somebody writes.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{FlockOperation, flock};
use tokio::io::unix::AsyncFd;

/// Whether a kmodtrace has it open to write: that one holds a lock on it for as long as it lives.
pub(super) fn is_written(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
}

/// Tells when the file grew, or its writer closed it, also by its death.
pub(super) struct Follow(AsyncFd<OwnedFd>);

impl Follow {
    pub(super) fn new(path: &Path) -> Result<Self> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(io::Error::from)?;
        inotify::add_watch(&fd, path, WatchFlags::MODIFY | WatchFlags::CLOSE_WRITE).map_err(io::Error::from)?;
        // SAFETY: the descriptor is owned, is not replaced, and as_raw_fd returns no other.
        let fd = unsafe { AsyncFd::register(fd) };
        Ok(Self(fd.map_err(io::Error::from)?))
    }

    /// Waits for that.
    pub(super) async fn changed(&mut self) -> Result<()> {
        let mut guard = self.0.readable_mut().await.context("cannot follow the recording")?;
        // What happened is seen in the file itself: here it is only taken away.
        let mut buffer = [MaybeUninit::uninit(); 4_096];
        while rustix::io::read(guard.get_inner(), &mut buffer).is_ok_and(|(read, _)| !read.is_empty()) {}
        guard.clear_ready();
        Ok(())
    }
}
