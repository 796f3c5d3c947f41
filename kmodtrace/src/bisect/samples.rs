//! Runs as rules see them: read from their recordings, for these are what happened; everything else is worked out of them.

use std::path::Path;

use kmodtrace_core::compare::bisect::{Recorded, RecordedFold, RunEnd, Sample, Step, Unread};

use super::session::Session;
use crate::replay;

/// A run and what is in its recording.
pub(crate) fn read(session: &Session, step: u32, run: u32, end: &RunEnd) -> Sample {
    let recorded = match &end.recording {
        None => Err(Unread::Absent),
        Some(name) => {
            let path = session.step_folder(step).join(name);
            recorded(&path, &format!("{step:04}/{run:02}"))
        }
    };
    Sample {
        command: end.command,
        recorded,
    }
}

fn recorded(path: &Path, label: &str) -> Result<Recorded, Unread> {
    let damaged = |error: anyhow::Error| Unread::Damaged(format!("{error:#}"));
    let mut recording = replay::open(path).map_err(damaged)?;
    let mut fold = RecordedFold::default();
    let (ended, _, loss) = recording.finished(true, |finished| {
        fold.add(finished);
        None
    });
    ended.map_err(damaged)?;
    Ok(fold.finish(label.to_owned(), recording.source(&loss)))
}

/// All runs of a step.
pub(crate) fn of_step(session: &Session, step: &Step) -> Vec<Sample> {
    let runs = step.runs.iter();
    runs.map(|(run, end)| read(session, step.head.number, *run, end))
        .collect()
}
