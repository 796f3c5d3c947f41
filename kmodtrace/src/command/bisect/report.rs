//! `kmodtrace bisect report`.

use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::compare::bisect::Summary;

use crate::bisect::{samples, session};
use crate::cli::BisectReport;

/// Reads all of the session and shows it.
pub(crate) fn run(args: &BisectReport) -> Result<ExitCode> {
    let session = session::open(&args.session.session)?;
    let steps = session.steps.iter();
    let kept = steps.map(|step| (step.clone(), samples::of_step(&session, step)));
    let summary = Summary::new(session.terms.clone(), kept.collect(), session.damage.clone());
    args.format.print(&summary)?;
    Ok(ExitCode::SUCCESS)
}
