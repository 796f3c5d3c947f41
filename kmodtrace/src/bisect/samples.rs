//! Runs as rules see them: read from their recordings, for these are what happened; everything else is worked out of them.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use kmodtrace_core::compare::bisect::{Recorded, RecordedFold, RunEnd, Sample, Step, Unread};

use super::session::Session;
use crate::plain_file;
use crate::replay;

/// A run and what is in its recording.
pub(crate) fn read(session: &Session, step: u32, run: u32, end: &RunEnd) -> Sample {
    let recorded = match &end.recording {
        None => Err(Unread::Absent),
        Some(name) => {
            let folder = session.step_folder(step);
            // One that has its report was read before, and what is no name of this folder is not read at all.
            let known = session.run_file(step, run, "report.json").exists() || !plain_file::is_name(name);
            let alive = if known { Ok(()) } else { survives(&folder.join(name)) };
            alive.and_then(|()| recorded(&folder, name, &format!("{step:04}/{run:02}")))
        }
    };
    Sample {
        command: end.command,
        recorded,
    }
}

/// Whether another process can read a recording: what kills that, as too much memory, is not to end the session, nor every later one.
fn survives(path: &Path) -> Result<(), Unread> {
    let mut reader = Command::new("/proc/self/exe");
    reader.args(["bisect", "read"]).arg(path);
    let ended = reader
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // Where there can be no other process, this one reads it.
    match ended.ok().and_then(|status| status.signal()) {
        Some(signal) => Err(Unread::Damaged(format!(
            "{}: its reader was killed by signal {signal}",
            path.display()
        ))),
        None => Ok(()),
    }
}

/// Reads a recording as one of a run; an error where it cannot be read.
pub(crate) fn try_to_read(path: &Path) -> Result<(), Unread> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    recorded(plain_file::folder(path), &name, "").map(|recorded| drop(recorded.report()))
}

fn recorded(folder: &Path, name: &str, label: &str) -> Result<Recorded, Unread> {
    let damaged = |error: anyhow::Error| Unread::Damaged(format!("{error:#}"));
    let mut recording = replay::open_in(folder, name).map_err(damaged)?;
    let mut fold = RecordedFold::default();
    let (ended, end, loss) = recording.finished(true, |finished| {
        fold.add(finished);
        None
    });
    ended.map_err(damaged)?;
    Ok(fold.finish(label.to_owned(), recording.source(&loss), end))
}

/// All runs of a step.
pub(crate) fn of_step(session: &Session, step: &Step) -> Vec<Sample> {
    let runs = step.runs.iter();
    runs.map(|(run, end)| read(session, step.head.number, *run, end))
        .collect()
}
