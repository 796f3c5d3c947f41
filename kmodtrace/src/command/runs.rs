//! Recordings as runs, which are compared.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use kmodtrace_core::compare::diff::{Run, RunFold};
use kmodtrace_core::model::Finished;

use super::gathered::Ended;
use super::side_by_side::{Reached, Told, in_parallel};
use crate::replay::{self, Replay};

/// Reads a recording in this way, which is called by this name; an error where it is damaged.
pub(super) fn run(
    recording: &mut Replay,
    path: &Path,
    read: impl FnOnce(&mut Replay, &mut dyn FnMut(Finished) -> Option<Finished>) -> Ended,
) -> Result<Run> {
    let mut fold = RunFold::default();
    let (ended, end, loss) = read(recording, &mut |finished| {
        fold.add(finished);
        None
    });
    ended?;
    Ok(fold.finish(path.display().to_string(), recording.source(&loss), end))
}

/// Adds each recording, in any order; gives back how many could not be read whole, too, which are told.
pub(super) fn sum_up<Sums: Default + Send>(
    recordings: &[PathBuf],
    told: &Told,
    quiet: bool,
    add: impl Fn(&mut Sums, &Run) + Sync,
) -> (Sums, u64) {
    let reached = Reached::of(recordings.len() as u64, "reading", quiet);
    let unread = AtomicU64::new(0);
    let sums = Mutex::new(Sums::default());
    let here =
        |recording: &mut Replay, take: &mut dyn FnMut(Finished) -> Option<Finished>| recording.finished_here(take);
    let Ok(()) = in_parallel::<_, Infallible>(recordings, |path| {
        match replay::open(path).and_then(|mut recording| run(&mut recording, path, here)) {
            // A thread that panicked is told of by `in_parallel`.
            Ok(run) => add(&mut sums.lock().unwrap_or_else(PoisonError::into_inner), &run),
            Err(error) => {
                told.error(&error);
                unread.fetch_add(1, Ordering::Relaxed);
            }
        }
        reached.one_more();
        Ok(())
    });
    let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    (sums, unread.into_inner())
}
