//! Traces for other viewers, read by one of these.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use guest_vm::{artifacts, paths, process, python};

use crate::guest::Tally;

/// Perfetto's messages, in the release that was tried.
const PERFETTO: (&str, &str) = ("perfetto", "0.59.1");

/// Compares a trace with a report.
const SCRIPT: &str = include_str!("viewers.py");

/// Compares what Perfetto reads with the report, for each recording in the tree.
pub(crate) fn run() -> Result<Tally> {
    let python = python::environment(PERFETTO.0, PERFETTO.1)?.join("bin/python3");
    let tool = artifacts::debug_kmodtrace()?;
    let folder = artifacts::target_dir()?.join("viewers");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let script = folder.join("viewers.py");
    fs::write(&script, SCRIPT).with_context(|| format!("cannot write {}", script.display()))?;
    let recordings = paths::workspace().join("kmodtrace-core/tests/recordings");
    let mut tally = Tally::default();
    for entry in fs::read_dir(&recordings).with_context(|| format!("cannot read {}", recordings.display()))? {
        let recording = entry?.path();
        let name = recording.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        tally.scenario(&name, compare(&tool, &python, &script, &recording, &folder));
    }
    ensure!(tally.scenarios > 0, "no recording in {}", recordings.display());
    Ok(tally)
}

/// Gives how many slices were compared.
fn compare(tool: &Path, python: &Path, script: &Path, recording: &Path, folder: &Path) -> Result<usize> {
    let written = |format: &str, attempts: &[&str]| -> Result<_> {
        let mut command = process::command(tool, ["report", "--format", format]);
        command.args(attempts).arg(recording);
        let output = command
            .output()
            .with_context(|| format!("cannot run {}", process::shown(&command)))?;
        let path = folder.join(format).with_extension("out");
        fs::write(&path, output.stdout).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    };
    let (trace, report) = (written("perfetto", &[])?, written("json", &["--attempts"])?);
    let mut command = process::command(python, [script, &trace, &report]);
    let compared: usize = process::text(&mut command)?
        .trim()
        .parse()
        .context("the script gave no number")?;
    ensure!(compared > 0, "nothing was compared");
    Ok(compared)
}
