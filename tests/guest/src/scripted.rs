//! What kmodtrace writes for other programs, read by one of these: a script of Python that compares it with the report of the same
//! recording as JSON, for each recording in the tree.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use guest_vm::{artifacts, paths, process, python};

use crate::guest::Tally;

/// Perfetto's messages, in the release that was tried.
const PERFETTO: (&str, &str) = ("perfetto", "0.59.1");
/// What drives a browser and looks for what keeps people out, in the release that was tried.
const AXE: (&str, &str) = ("axe-playwright-python", "0.1.8");

/// OpenTelemetry's messages, in the release that was tried.
const OTLP: (&str, &str) = ("opentelemetry-proto", "1.45.2");

/// What a script is given beside the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// The recording in the format of its name.
    Format,
    /// The recording.
    Recording,
}

/// A script, and what it reads.
struct Script {
    /// Of its own folder, and of the format of `report` that it reads.
    name: &'static str,
    package: (&'static str, &'static str),
    text: &'static str,
    takes: Takes,
    /// What else it looks at: the comparison of a storm with each recording, in this format.
    compared: Option<&'static str>,
    /// Recordings that have what it looks at; all where none are named.
    recordings: &'static [&'static str],
}

/// Perfetto reads its traces.
pub(crate) fn viewers() -> Result<Tally> {
    let script = Script {
        name: "perfetto",
        package: PERFETTO,
        text: include_str!("viewers.py"),
        takes: Takes::Format,
        compared: None,
        recordings: &[],
    };
    script.run(&[])
}

/// A collector takes what is sent, read by OpenTelemetry's messages.
pub(crate) fn otlp() -> Result<Tally> {
    let tool = artifacts::debug_kmodtrace()?;
    let script = Script {
        name: "otlp",
        package: OTLP,
        text: include_str!("otlp.py"),
        takes: Takes::Recording,
        compared: None,
        recordings: &[],
    };
    script.run(&[tool.as_os_str()])
}

/// Chromium opens pages.
pub(crate) fn pages() -> Result<Tally> {
    guest_vm::packages::ensure(guest_vm::packages::FOR_PAGES)?;
    let browser = paths::program("chromium").context("chromium is missing")?;
    let script = Script {
        name: "html",
        package: AXE,
        text: include_str!("pages.py"),
        takes: Takes::Format,
        compared: Some("html"),
        // Requests and findings, failures, unloads.
        recordings: &["6.1-nested", "6.1-failing-init", "6.12-going"],
    };
    script.run(&[browser.as_os_str()])
}

/// The recording whose page is shown in the documentation: it has something of everything.
const SHOWN: &str = "6.1-nested";

/// Opens pages, and keeps how one of them looks at each width, in light and dark, in this folder.
pub fn pictures(folder: &Path) -> Result<()> {
    if let Some(failure) = pages()?.failures.into_iter().next() {
        return Err(failure);
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let made = artifacts::target_dir()?.join("scripted/html");
    let mut kept = 0;
    for entry in fs::read_dir(&made).with_context(|| format!("cannot read {}", made.display()))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_picture = path.extension().is_some_and(|ending| ending == "png");
        if let Some(name) = name.strip_prefix(SHOWN).filter(|_| is_picture) {
            let to = folder.join(format!("page{name}.png"));
            fs::copy(&path, &to).with_context(|| format!("cannot write {}", to.display()))?;
            kept += 1;
        }
    }
    ensure!(kept > 0, "no picture in {}", made.display());
    Ok(())
}

impl Script {
    /// Runs it for each recording, with these arguments before the others. It prints how much it compared.
    fn run(&self, before: &[&OsStr]) -> Result<Tally> {
        let python = python::environment(self.package.0, self.package.1)?.join("bin/python3");
        let tool = artifacts::debug_kmodtrace()?;
        let folder = artifacts::target_dir()?.join("scripted").join(self.name);
        let script = folder.join("compare.py");
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&script, self.text))
            .with_context(|| format!("cannot write {}", script.display()))?;
        let recordings = paths::workspace().join("kmodtrace-core/tests/recordings");
        let mut tally = Tally::default();
        for entry in fs::read_dir(&recordings).with_context(|| format!("cannot read {}", recordings.display()))? {
            let recording = entry?.path();
            let name = recording.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if !self.recordings.is_empty() && !self.recordings.contains(&name.as_str()) {
                continue;
            }
            let written = |words: &[&str], recordings: &[&PathBuf], ending: &str| -> Result<PathBuf> {
                let output = process::captured(process::command(&tool, words).args(recordings));
                let path = folder.join(format!("{name}.{ending}"));
                fs::write(&path, output?.stdout).with_context(|| format!("cannot write {}", path.display()))?;
                Ok(path)
            };
            let compare = || -> Result<usize> {
                let first = match self.takes {
                    Takes::Format => written(&["report", "--format", self.name], &[&recording], self.name)?,
                    Takes::Recording => recording.clone(),
                };
                let mut files = vec![
                    first,
                    written(&["report", "--attempts", "--format", "json"], &[&recording], "json")?,
                    folder.clone(),
                ];
                if let Some(format) = self.compared {
                    let other = recordings.join("6.1-stock-storm.kmt");
                    files.push(written(
                        &["diff", "--format", format],
                        &[&other, &recording],
                        "diff.html",
                    )?);
                }
                let mut command = process::command(&python, [&script]);
                let compared: usize = process::text(command.args(before).args(files))?
                    .trim()
                    .parse()
                    .context("the script gave no number")?;
                ensure!(compared > 0, "nothing was compared");
                Ok(compared)
            };
            tally.scenario(&name, compare());
        }
        let wanted = self.recordings.len().max(1);
        ensure!(
            tally.scenarios >= wanted,
            "{} of {wanted} recordings are there",
            tally.scenarios
        );
        Ok(tally)
    }
}
