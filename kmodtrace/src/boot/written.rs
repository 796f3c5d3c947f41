//! The recording of this boot while it is in memory.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::Pid;

use super::{NAME, PID, RECORDING};

const LOOK: Duration = Duration::from_millis(20);

/// What there is of a recording of this boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Running {
    /// Somebody writes it.
    Writes,
    /// It is written.
    Ended,
    /// There is none.
    Nothing,
}

/// A recording that was begun in this boot, open for as long as this lives: also where its name is gone, or its writer.
#[derive(Debug)]
pub(super) struct Written {
    file: File,
    /// Who writes it, where that is known.
    pub(super) writer: Option<Pid>,
}

impl Written {
    /// The one of this boot.
    pub(super) fn find() -> Option<Self> {
        let file = File::open(RECORDING).ok().map(|file| Self {
            file,
            writer: fs::read_to_string(PID).ok().and_then(|pid| number(pid.trim())),
        });
        file.or_else(Self::hidden)
    }

    /// One whose file has no name that can be seen: the tracer was started before the initramfs' own first program, which put another
    /// /run above it. The tracer has it open.
    fn hidden() -> Option<Self> {
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let mut tracers = processes.filter(|process| {
            let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
            words.split(|byte| *byte == 0).next() == Some(NAME.as_bytes())
        });
        tracers.find_map(|tracer| {
            let writer = number(&tracer.file_name().to_string_lossy())?;
            let mut files = fs::read_dir(tracer.path().join("fd")).ok()?.flatten();
            let file = files.find(|file| {
                // Before and behind it the kernel says that it cannot be reached, or is deleted (d_path, fs/d_path.c).
                fs::read_link(file.path()).is_ok_and(|to| to.to_string_lossy().contains(RECORDING))
            })?;
            Some(Self {
                file: File::open(file.path()).ok()?,
                writer: Some(writer),
            })
        })
    }

    /// Who writes a recording holds a lock on it, which ends with that process.
    pub(super) fn is_over(&self) -> bool {
        // A lock of our own goes with the file.
        flock(&self.file, FlockOperation::NonBlockingLockShared).is_ok()
    }

    /// Waits for that; whether it came.
    pub(super) fn wait(&self, patience: Duration) -> bool {
        let begun = Instant::now();
        while !self.is_over() {
            if begun.elapsed() > patience {
                return false;
            }
            thread::sleep(LOOK);
        }
        true
    }

    /// How large it is by now.
    pub(super) fn size(&self) -> u64 {
        self.file.metadata().map_or(0, |meta| meta.len())
    }

    /// A name by which this process can read it.
    pub(super) fn path(&self) -> PathBuf {
        Path::new("/proc/self/fd").join(self.file.as_raw_fd().to_string())
    }
}

fn number(pid: &str) -> Option<Pid> {
    Pid::from_raw(pid.parse().ok()?)
}

/// What there is now.
pub(crate) fn running() -> Running {
    match Written::find() {
        None => Running::Nothing,
        Some(written) if written.is_over() => Running::Ended,
        Some(_) => Running::Writes,
    }
}
