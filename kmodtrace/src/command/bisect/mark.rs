//! `kmodtrace bisect good`, `bad` and `skip`: what the user knows.

use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::compare::bisect::Known;

use super::step;
use crate::bisect::session;
use crate::cli::{BisectMark, BisectSkip};
use crate::failure::say;
use std::path::Path;

/// Marks a step good, or records runs that are.
pub(crate) fn good(args: &BisectMark, quiet: bool) -> Result<ExitCode> {
    known(args, Known::Good, quiet)
}

/// Marks a step bad, or records runs that are.
pub(crate) fn bad(args: &BisectMark, quiet: bool) -> Result<ExitCode> {
    known(args, Known::Bad, quiet)
}

/// Leaves a step out.
pub(crate) fn skip(args: &BisectSkip) -> Result<ExitCode> {
    mark(&args.session.session, args.step.as_deref(), Known::Skip)
}

fn known(args: &BisectMark, known: Known, quiet: bool) -> Result<ExitCode> {
    let folder = &args.session.session;
    if args.workload.vm.is_none() && args.workload.command.is_empty() {
        return mark(folder, args.step.as_deref(), known);
    }
    let mut writing = session::open_to_write(folder)?;
    step::make(&mut writing, &args.workload, Some(known), args.runs, quiet)?;
    Ok(ExitCode::SUCCESS)
}

fn mark(folder: &Path, name: Option<&str>, known: Known) -> Result<ExitCode> {
    let mut writing = session::open_to_write(folder)?;
    let step = writing.session.find(name)?;
    let (number, name) = (step.head.number, step.name());
    writing.mark(number, known)?;
    say(format_args!("{name} is marked {}", known.name()));
    Ok(ExitCode::SUCCESS)
}
