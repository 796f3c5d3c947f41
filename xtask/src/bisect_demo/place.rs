//! Where the demo keeps what it needs again: the kernel's repository with what was compiled in it, and beside it the rest.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use guest_vm::{kernel::Flavour, paths};
use rustix::io::{FdFlags, fcntl_setfd};

/// The demo's directory in the cache, which this run alone works in.
#[derive(Debug)]
pub(super) struct Place {
    dir: PathBuf,
    /// Held for as long as the value lives, and for as long as anything runs that was started meanwhile.
    lock: File,
}

impl Place {
    /// Takes it; waits for whatever an earlier run that was killed has left running.
    pub(super) fn open(flavour: Flavour) -> Result<Self> {
        let dir = paths::cache()?.join("bisect-demo").join(flavour.name);
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let file = dir.join("lock");
        let cannot = || format!("cannot lock {}", file.display());
        let lock = File::create(&file).with_context(cannot)?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                eprintln!(
                    "xtask: another demo, or what one has left running, has {}: waiting",
                    dir.display()
                );
                lock.lock().with_context(cannot)?;
            }
            result => result.with_context(cannot)?,
        }
        Ok(Self { dir, lock })
    }

    /// From now on programs that are started hold the lock too: a compiler that outlives this run keeps the next one out.
    pub(super) fn share_lock(&self) -> Result<()> {
        fcntl_setfd(&self.lock, FdFlags::empty()).context("cannot share the lock")
    }

    /// The directory itself.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The kernel's source and repository.
    pub(super) fn tree(&self) -> PathBuf {
        self.dir.join("linux")
    }

    /// What the source was made from.
    pub(super) fn made_from(&self) -> PathBuf {
        self.dir.join("made-from")
    }
}
