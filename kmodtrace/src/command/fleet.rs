//! `kmodtrace report FOLDER`: recordings of many machines beside each other.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::compare::fleet::FleetFold;
use kmodtrace_core::text::Names;

use super::runs::sum_up;
use super::side_by_side::Told;
use crate::cli;
use crate::failure::{FAILED, failure};
use crate::output::{Machines, columns};

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
