//! `kmodtrace report FOLDER`: recordings of many machines beside each other.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use kmodtrace_core::compare::diff::{Run, RunFold};
use kmodtrace_core::compare::fleet::FleetFold;
use kmodtrace_core::text::Names;

use super::side_by_side::{Reached, Told, in_parallel};
use crate::cli;
use crate::failure::{FAILED, failure};
use crate::output::{Machines, columns};
use crate::replay;

/// Reads the recordings of a folder and writes what they are like. One that cannot be read whole is told, and the others are there.
pub(super) fn report(folder: &Path, recordings: &[PathBuf], args: &cli::Reporting, quiet: bool) -> Result<ExitCode> {
    let of_one = |option: &str| {
        let text = format!(
            "{}: {option} is of one recording, and this folder has {}: name one of them",
            folder.display(),
            recordings.len()
        );
        failure(FAILED, text)
    };
    if let Some(option) = args.of_one_recording() {
        return Err(of_one(option));
    }
    let format = args.format.same_of::<Machines>();
    let format = format.ok_or_else(|| of_one(&format!("--format {}", args.format.name())))?;
    let told = Told::default();
    let (fold, unread) = sum_up(recordings, &told, quiet, FleetFold::add);
    let fleet = fold.finish(folder.display().to_string(), unread, &Names::matching(&args.modules));
    format.print(&Machines {
        fleet,
        modules: args.top,
        columns: columns(),
    })?;
    Ok(told.status())
}

/// Adds each recording as a run, in any order; gives back how many could not be read whole, too, which are told.
pub(super) fn sum_up<Sums: Default + Send>(
    recordings: &[PathBuf],
    told: &Told,
    quiet: bool,
    add: impl Fn(&mut Sums, &Run) + Sync,
) -> (Sums, u64) {
    let reached = Reached::of(recordings.len() as u64, "reading", quiet);
    let unread = AtomicU64::new(0);
    let sums = Mutex::new(Sums::default());
    let all = in_parallel(recordings, |path| {
        match run(path) {
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
    debug_assert!(all.is_ok(), "no step of it fails");
    let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    (sums, unread.into_inner())
}

fn run(path: &Path) -> Result<Run> {
    let mut recording = replay::open(path)?;
    let mut fold = RunFold::default();
    let (ended, end, loss) = recording.finished_here(|finished| {
        fold.add(finished);
        None
    });
    ended?;
    Ok(fold.finish(path.display().to_string(), recording.source(&loss), end))
}
