//! `kmodtrace check`: the plan of this kernel, or of the one whose facts are given.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use kmodtrace_core::kernel::facts::KernelFacts;
use kmodtrace_core::plan::{CATALOGUE, Feasibility, check, resolve};

use crate::cli::Check;
use crate::failure::CANNOT_TRACE;
use crate::live::facts;

/// Prints it, and exits 0 when tracing would work.
pub(crate) fn run(args: &Check) -> Result<ExitCode> {
    let facts = match &args.facts {
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            KernelFacts::from_json(&text).with_context(|| path.display().to_string())?
        }
        None => facts::gather(|| ()).0.facts,
    };
    let report = check(&facts, &resolve(CATALOGUE, &facts));
    args.format.print(&report)?;
    Ok(match report.verdict {
        Feasibility::Works => ExitCode::SUCCESS,
        Feasibility::CannotTrace { .. } => ExitCode::from(CANNOT_TRACE),
    })
}
