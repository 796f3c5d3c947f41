//! `kmodtrace explain`: what makes an errno, and what to do about it.

use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::causes::Subject;

use crate::cli;
use crate::failure::{USAGE, failure};
use crate::output::{Explained, columns};

/// Lines longer than this are hard to read.
const COLUMNS: usize = 100;

/// Prints the makers of each subject. A word that is none is wrong usage, before anything is printed.
pub(crate) fn run(args: &cli::Explain) -> Result<ExitCode> {
    let subjects: Result<Vec<Subject>, _> = args.subjects.iter().map(|text| text.parse()).collect();
    let subjects = subjects.map_err(|error| failure(USAGE, format!("{error}")))?;
    args.format.print(&Explained {
        subjects,
        columns: columns().min(COLUMNS),
    })?;
    Ok(ExitCode::SUCCESS)
}
