//! Metrics, as Prometheus, its tools and its libraries read them: a script of Python compares what they answer with reports.

use std::{fs, fs::File, path::PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};
use guest_vm::{artifacts, packages, paths, process, python};

use crate::guest::Tally;

/// What parses both text formats, in the release that was tried.
const PARSER: (&str, &str) = ("prometheus-client", "0.26.0");
/// Recordings whose names are made hostile: all that metrics show is in them.
const HOSTILE: [&str; 2] = ["6.1-nested", "6.12-errors"];

/// Prometheus scrapes `kmodtrace serve`, with native histograms and without.
pub(crate) fn run() -> Result<Tally> {
    packages::ensure(packages::FOR_METRICS)?;
    let python = python::environment(PARSER.0, PARSER.1)?.join("bin/python3");
    let tool = artifacts::debug_kmodtrace()?;
    let folder = artifacts::target_dir()?.join("prometheus");
    let _ = fs::remove_dir_all(&folder);
    let script = folder.join("compare.py");
    let made = fs::create_dir_all(folder.join("run")).and_then(|()| fs::write(&script, include_str!("prometheus.py")));
    made.with_context(|| format!("cannot write {}", script.display()))?;
    let recordings = paths::workspace().join("kmodtrace-core/tests/recordings");
    let mut all: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&recordings).with_context(|| format!("cannot read {}", recordings.display()))? {
        all.push(entry?.path());
    }
    for name in HOSTILE {
        let recording = File::open(recordings.join(format!("{name}.kmt"))).with_context(|| name.to_owned())?;
        let (bytes, _) = synth::hostile(recording).map_err(|error| anyhow!("{error}"))?;
        let path = folder.join(format!("hostile-{name}.kmt"));
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        all.push(path);
    }
    let mut command = process::command(&python, [&script]);
    command
        .arg(&tool)
        .arg(paths::workspace().join("docs"))
        .arg(folder.join("run"))
        .args(&all);
    let compared: usize = process::text(&mut command)?
        .trim()
        .parse()
        .context("the script gave no number")?;
    ensure!(compared > 0, "nothing was compared");
    Ok(Tally::passed())
}
