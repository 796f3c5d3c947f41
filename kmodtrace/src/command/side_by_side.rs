//! Many recordings, each read by a thread of its own.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::Error;

use crate::failure::{FAILED, say};
use crate::notice::{Notices, Progress};

/// Threads that read, each with a recording in memory.
const THREADS: usize = 16;

/// Does this for all, a thread for each processor, until one fails.
pub(super) fn in_parallel<T: Sync, E: Send>(all: &[T], each: impl Fn(&T) -> Result<(), E> + Sync) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            each(one).inspect_err(|_| next.store(all.len(), Ordering::Relaxed))?;
        }
        Ok(())
    };
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(THREADS)
        .min(all.len());
    thread::scope(|scope| {
        // Where there are no more threads to be had, there are fewer.
        let others: Vec<_> = (1..threads)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mut done = work();
        for other in others {
            let ended = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            done = done.and(ended);
        }
        done
    })
}

/// Whether something was told that is wrong with a recording.
#[derive(Default)]
pub(super) struct Told(AtomicBool);

impl Told {
    /// A line.
    pub(super) fn say(&self, text: impl std::fmt::Display) {
        self.0.store(true, Ordering::Relaxed);
        say(text);
    }

    /// An error as a line.
    pub(super) fn error(&self, error: &Error) {
        self.say(format_args!("{error:#}"));
    }

    /// With what a command ends that did the rest.
    pub(super) fn status(&self) -> ExitCode {
        if self.0.load(Ordering::Relaxed) {
            ExitCode::from(FAILED)
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// How many recordings are done, for somebody at a terminal.
pub(super) struct Reached {
    progress: Progress,
    done: AtomicUsize,
}

impl Reached {
    /// Of so many, of which this is done.
    pub(super) fn of(all: u64, doing: &str, quiet: bool) -> Self {
        Self {
            progress: Notices::new(quiet).begin(format!("{doing} {all} recordings"), Some(all)),
            done: AtomicUsize::new(0),
        }
    }

    /// One is done.
    pub(super) fn one_more(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.progress.reached(done as u64);
    }
}
