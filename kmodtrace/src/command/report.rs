//! `kmodtrace report`: what a recording holds, module by module.

use std::mem;
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::model::Finished;
use kmodtrace_core::report::{Selection, SortKey, TextLayout};
use kmodtrace_core::text::Names;

use super::gathered::{Parts, gather};
use crate::cli;
use crate::failure::say;
use crate::output::{Reported, columns};
use crate::replay::{self, Replay};

/// Reads the recording and writes the report. A damaged recording gives what is whole, and then an error.
pub(crate) fn run(args: &cli::Report, quiet: bool) -> Result<ExitCode> {
    let path = args.recorded.path();
    if path.is_dir()
        && let all = replay::all(path)?
        && all.len() > 1
    {
        return super::fleet::report(path, &all, &args.reporting, quiet);
    }
    let args = &args.reporting;
    let each = args.attempts || args.format.is_of_attempts();
    let mut recording = if each {
        replay::open_again(path)?
    } else {
        replay::open(path)?
    };
    if args.redact {
        recording = recording.redacted(&[]);
    }
    let zero = args.times.zero(recording.header());
    let selection = Selection {
        modules: Names::matching(&args.modules),
        wanted: args.wanting.wanted(zero, recording.header().clock)?,
        sort: args.sort.unwrap_or(if args.format.is_text() {
            SortKey::Time
        } else {
            SortKey::default()
        }),
        top: args.top,
    };
    let read =
        |recording: &mut Replay, take: &mut dyn FnMut(Finished) -> Option<Finished>| recording.finished(quiet, take);
    let parts = Parts {
        attempts: each,
        answer: args.format.has_answer(),
    };
    let mut gathered = gather(&mut recording, &selection, zero, parts, read);
    if let Some((findings, _)) = gathered.answer.as_ref().filter(|_| each) {
        // Pages, which show them, have attempts.
        let mut waits = findings.graph().so_far();
        waits.select(&selection.modules);
        gathered.report.waits = Some(waits);
    }
    if let Some(missing) = gathered.missing.filter(|_| !quiet) {
        say(missing);
    }
    args.format.print(&Reported {
        report: gathered.report,
        layout: TextLayout {
            columns: columns(),
            zero,
        },
        histogram: args.histogram,
        attempts: args.attempts,
    })?;
    // The process ends with them: to free thousands of attempts one by one takes a while, and nobody needs the room.
    mem::forget(gathered.answer);
    recording.warn(quiet);
    gathered.ended.map(|()| ExitCode::SUCCESS)
}
