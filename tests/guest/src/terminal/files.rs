//! What is written, and what is said of recordings that are not whole, or not there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use guest_vm::process;
use serde_json::Value;

use super::{Case, MODULE, STORM, Stage, quit, recording};

pub(super) const CASES: &[Case] = &[
    ("an export", export),
    ("a recording cut short", cut),
    ("a recording cut in its head", cut_in_head),
    ("a damaged recording", flipped),
    ("a recording that is not there", missing),
    ("lines where there is no terminal", piped),
];

fn export(stage: &Stage) -> Result<()> {
    let terminal = stage.storm()?;
    terminal.press(&["e"])?;
    terminal.shows(&["wrote kmodtrace-1.json"])?;
    let report: Value = serde_json::from_str(&stage.wrote("kmodtrace-1.json")?).context("the export is not JSON")?;
    let modules = report.get("modules").and_then(Value::as_array);
    let modules = modules.context("the export has no modules")?;
    let is_it = |module: &Value| module.get("name").and_then(Value::as_str) == Some(MODULE);
    ensure!(modules.iter().any(is_it), "the export has no {MODULE}: {modules:?}");
    // The next one is another file.
    terminal.press(&["e"])?;
    terminal.shows(&["wrote kmodtrace-2.json"])?;
    quit(&terminal)
}

/// A copy of the storm that something was done to.
fn copy(stage: &Stage, name: &str, change: impl Fn(&mut Vec<u8>)) -> Result<PathBuf> {
    let source = recording(STORM);
    let mut bytes = fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
    change(&mut bytes);
    let copy = stage.dir().join(name);
    fs::write(&copy, bytes).with_context(|| format!("cannot write {}", copy.display()))?;
    Ok(copy)
}

/// From here on, seven eighths through, there are records; what comes before is the head, and some of them.
fn among_records(bytes: &[u8]) -> usize {
    bytes.len() / 8 * 7
}

fn cut(stage: &Stage) -> Result<()> {
    let recording = copy(stage, "cut.kmt", |bytes| bytes.truncate(among_records(bytes)))?;
    let terminal = stage.between_looks(&recording)?;
    terminal.shows(&["CUT", "cut short at byte", "Probes", "MODULE "])?;
    terminal.press(&["q"])?;
    stage.ended_with(&terminal, "0", None)
}

fn cut_in_head(stage: &Stage) -> Result<()> {
    let recording = copy(stage, "head.kmt", |bytes| bytes.truncate(bytes.len() / 2))?;
    stage.ended_with(&stage.between_looks(&recording)?, "1", Some("head.kmt"))
}

fn flipped(stage: &Stage) -> Result<()> {
    let recording = copy(stage, "flipped.kmt", |bytes| {
        let place = among_records(bytes);
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= 0xff;
        }
    })?;
    let terminal = stage.between_looks(&recording)?;
    terminal.shows(&["damaged", "Probes", "MODULE "])?;
    terminal.press(&["q"])?;
    stage.ended_with(&terminal, "1", Some("flipped.kmt"))
}

fn missing(stage: &Stage) -> Result<()> {
    let terminal = stage.between_looks(Path::new("missing.kmt"))?;
    stage.ended_with(&terminal, "1", Some("missing.kmt"))
}

fn piped(stage: &Stage) -> Result<()> {
    let mut command = Command::new(&stage.tool);
    command.arg("--from").arg(recording(STORM)).stdin(Stdio::null());
    let lines = process::text(&mut command)?;
    let attempts = lines
        .lines()
        .filter(|line| line.contains(MODULE) && line.contains("finit_module"))
        .count();
    ensure!(
        attempts == 8 && !lines.contains('\x1b'),
        "{attempts} of 8 lines of {MODULE}:\n{lines}"
    );
    Ok(())
}
