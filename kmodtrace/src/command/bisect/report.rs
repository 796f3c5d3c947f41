//! `kmodtrace bisect report`.

use std::io::{self, BufWriter, Write as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::compare::bisect::{Summary, write_html, write_text};

use crate::bisect::{samples, session};
use crate::cli::{BisectFormat, BisectReport};
use crate::command;

/// Reads all of the session and shows it.
pub(crate) fn run(args: &BisectReport) -> Result<ExitCode> {
    let session = session::open(&args.session.session)?;
    let steps = session.steps.iter();
    let kept = steps.map(|step| (step.clone(), samples::of_step(&session, step)));
    let summary = Summary::new(session.terms.clone(), kept.collect(), session.damage.clone());
    let format = if args.json { BisectFormat::Json } else { args.format };
    command::written(write(&summary, format))?;
    Ok(ExitCode::SUCCESS)
}

fn write(summary: &Summary, format: BisectFormat) -> io::Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    match format {
        BisectFormat::Table => write_text(summary, &mut out)?,
        BisectFormat::Json => {
            serde_json::to_writer_pretty(&mut out, summary)?;
            writeln!(out)?;
        }
        BisectFormat::Html => write_html(summary, &mut out)?,
    }
    out.flush()
}
