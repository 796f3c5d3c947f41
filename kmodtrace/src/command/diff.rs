//! `kmodtrace diff`: what differs between two sets of recordings, and whether that is noise.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use kmodtrace_core::compare::diff::{Crowd, Diff, Limits, Run};
use kmodtrace_core::text::Glob;

use super::runs;
use super::side_by_side::Told;
use crate::cli;
use crate::failure::{FAILED, failure, say};
use crate::replay;

/// From more than so many recordings on, only is kept how often each measure has which value.
const MANY: usize = 256;
/// Recordings of a folder.
const IN_A_FOLDER: &str = "*.kmt";

/// Compares what two names mean.
pub(crate) fn run(args: &cli::Diff, quiet: bool) -> Result<ExitCode> {
    let (first, second) = (recordings(&args.first)?, recordings(&args.second)?);
    compare(&first, &second, &args.comparing, quiet)
}

/// Reads two sets of recordings and compares them. A damaged recording is no sample: half a run has half of everything. It is an error, and where
/// there are many it is told and left out.
pub(super) fn compare(
    first: &[PathBuf],
    second: &[PathBuf],
    comparing: &cli::Comparing,
    quiet: bool,
) -> Result<ExitCode> {
    let limits = Limits {
        alpha: comparing.alpha,
        factor: comparing.factor,
    };
    if first.len() + second.len() > MANY {
        let told = Told::default();
        let [first, second] = [first, second].map(|paths| runs::sum_up(paths, &told, quiet, Crowd::add).0);
        comparing.format.print(&Diff::of_many(&first, &second, 1, limits))?;
        return Ok(told.status());
    }
    let set = |paths: &[PathBuf]| paths.iter().map(|path| one(path, quiet)).collect::<Result<Vec<Run>>>();
    comparing
        .format
        .print(&Diff::new(&set(first)?, &set(second)?, limits))?;
    Ok(ExitCode::SUCCESS)
}

/// A recording, those of a folder, or those that a pattern names, in the order of their names.
fn recordings(name: &Path) -> Result<Vec<PathBuf>> {
    let text = name.to_string_lossy();
    let (folder, glob) = if name.is_dir() {
        (name, Glob::new(IN_A_FOLDER))
    } else if !name.exists() && text.contains(['*', '?', '[']) {
        let folder = name.parent().filter(|folder| !folder.as_os_str().is_empty());
        let pattern = name.file_name().unwrap_or_default().to_string_lossy();
        (folder.unwrap_or(Path::new(".")), Glob::new(&pattern))
    } else {
        return Ok(vec![name.to_owned()]);
    };
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        if glob.matches(&entry.file_name().to_string_lossy()) && entry.path().is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    if found.is_empty() {
        let text = format!(
            "{}: no recording is there; a folder is searched for {IN_A_FOLDER}",
            name.display()
        );
        return Err(failure(FAILED, text));
    }
    Ok(found)
}

fn one(path: &Path, quiet: bool) -> Result<Run> {
    let mut recording = replay::open(path)?;
    let run = runs::run(&mut recording, path, |recording, take| recording.finished(quiet, take))?;
    if let Some(why) = recording.truncated().filter(|_| !quiet) {
        say(format_args!(
            "{}: {why}; the run is compared as far as it goes",
            path.display()
        ));
    }
    Ok(run)
}
