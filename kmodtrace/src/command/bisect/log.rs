//! `kmodtrace bisect log`: what was done, in the order in which it was.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::compare::bisect::{Step, time_text};
use kmodtrace_core::text::printable;

use crate::bisect::session::{self, Session};
use crate::cli::BisectSession;
use crate::output::{stdout, written};

/// Reads the session, but no recording of it.
pub(crate) fn run(args: &BisectSession) -> Result<ExitCode> {
    let session = session::open(&args.session)?;
    written(write(&session))?;
    Ok(ExitCode::SUCCESS)
}

fn write(session: &Session) -> io::Result<()> {
    let mut out = stdout()?;
    for rule in session.terms.rules() {
        writeln!(out, "{}", printable(&rule))?;
    }
    for step in &session.steps {
        writeln!(out, "{}", printable(&line(step)))?;
    }
    for damage in &session.damage {
        writeln!(out, "damaged, and not counted: {}", printable(damage))?;
    }
    out.flush()
}

fn line(step: &Step) -> String {
    let runs = match step.runs.len() {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    let told = match &step.told {
        Some(told) => format!("{}: {}", told.verdict.name(), told.why),
        None => format!("interrupted after {runs}"),
    };
    let cut = match step.interrupted.len() {
        0 => String::new(),
        cut => format!("; {cut} runs did not come to their end"),
    };
    let mark = step
        .mark
        .map(|mark| format!("; marked {}", mark.name()))
        .unwrap_or_default();
    let time = time_text(step.head.began_ns);
    format!("{time}  {}: {runs}, {told}{cut}{mark}", step.name())
}
