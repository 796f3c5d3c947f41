//! Following a recording that somebody writes.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread;

use anyhow::{Context as _, Result};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{FlockOperation, flock};
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;

/// Whether a kmodtrace has it open to write: that one holds a lock on it for as long as it lives.
pub(super) fn is_written(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
}

/// Tells when the file grew, or its writer let go of it, also by its death.
pub(super) struct Follow {
    grown: AsyncFd<OwnedFd>,
    /// None once it is known.
    released: Option<oneshot::Receiver<()>>,
}

impl Follow {
    pub(super) fn new(path: &Path) -> Result<Self> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(io::Error::from)?;
        inotify::add_watch(&fd, path, WatchFlags::MODIFY).map_err(io::Error::from)?;
        // SAFETY: the descriptor is owned, is not replaced, and as_raw_fd returns no other.
        let fd = unsafe { AsyncFd::register(fd) };
        Ok(Self {
            grown: fd.map_err(io::Error::from)?,
            released: Some(released(File::open(path)?)?),
        })
    }

    /// Waits for that.
    pub(super) async fn changed(&mut self) -> Result<()> {
        tokio::select! {
            guard = self.grown.readable_mut() => {
                let mut guard = guard.context("cannot follow the recording")?;
                // What happened is seen in the file itself: here it is only taken away.
                let mut buffer = [MaybeUninit::uninit(); 4_096];
                while rustix::io::read(guard.get_inner(), &mut buffer).is_ok_and(|(read, _)| !read.is_empty()) {}
                guard.clear_ready();
            }
            () = known(&mut self.released) => {}
        }
        Ok(())
    }
}

/// Waits in a thread for the lock that a writer holds. inotify tells of a file that is closed before its locks are gone (`__fput`,
/// `fs/file_table.c`), so whoever looks then may still find one, and is never told again. The thread ends with the program.
fn released(file: File) -> io::Result<oneshot::Receiver<()>> {
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new().spawn(move || {
        while flock(&file, FlockOperation::LockShared) == Err(rustix::io::Errno::INTR) {}
        // The view may have ended meanwhile.
        let _ = sender.send(());
    })?;
    Ok(receiver)
}

/// Waits for an answer that comes once.
async fn known(answer: &mut Option<oneshot::Receiver<()>>) {
    match answer {
        Some(receiver) => {
            // Without an answer there is no thread either: one look shows what is left.
            let _ = receiver.await;
            *answer = None;
        }
        None => std::future::pending().await,
    }
}
