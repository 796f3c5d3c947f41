//! Recordings of a fleet as tables, which engines are asked about: each answer is compared with the one that a script of Python works out of
//! the reports of the same recordings.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use guest_vm::{artifacts, packages, paths, process, python};
use synth::Machine;

use crate::guest::Tally;

/// Machines of the fleet.
const MACHINES: u64 = 40;

/// Engines that begin at once, in the releases that were tried.
const ENGINES: &[(&str, &str)] = &[("duckdb", "2.0.1"), ("datafusion", "55.0.0")];
/// The one that takes long.
const SPARK: (&str, &str) = ("pyspark", "4.3.0");

/// `DuckDB` and `DataFusion` are asked, and exports are killed.
pub(crate) fn run() -> Result<Tally> {
    let mut tally = ask(ENGINES, "fleet")?;
    let killed = || {
        let tool = artifacts::debug_kmodtrace()?;
        let folder = folder("killed")?;
        compared(
            "duckdb",
            "2.0.1",
            include_str!("parquet_killed.py"),
            &folder,
            &[tool, recordings(&folder)?],
        )
    };
    tally.scenario("killed", killed());
    Ok(tally)
}

/// Spark is asked.
pub(crate) fn spark() -> Result<Tally> {
    packages::ensure(packages::FOR_SPARK)?;
    ask(&[SPARK], "spark")
}

fn ask(engines: &[(&str, &str)], name: &str) -> Result<Tally> {
    let tool = artifacts::debug_kmodtrace()?;
    let folder = folder(name)?;
    let mut recordings = files(&recordings(&folder)?)?;
    recordings.extend(files(&paths::workspace().join("kmodtrace-core/tests/recordings"))?);
    let mut tally = Tally::default();
    for (package, version) in engines {
        let documentation = paths::workspace().join("docs/fleet.md");
        let mut words = vec![PathBuf::from(package), documentation, tool.clone(), folder.clone()];
        words.extend(recordings.iter().cloned());
        let script = include_str!("parquet.py");
        tally.scenario(package, compared(package, version, script, &folder, &words));
    }
    Ok(tally)
}

/// Runs a script, which prints how much it compared.
fn compared(package: &str, version: &str, script: &str, folder: &Path, words: &[PathBuf]) -> Result<usize> {
    let python = python::environment(package, version)?.join("bin/python3");
    let path = folder.join("script.py");
    fs::write(&path, script).with_context(|| format!("cannot write {}", path.display()))?;
    let compared: usize = process::text(process::command(&python, [&path]).args(words))?
        .trim()
        .parse()
        .context("the script gave no number")?;
    ensure!(compared > 0, "nothing was compared");
    Ok(compared)
}

/// An empty folder.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = artifacts::target_dir()?.join("scripted").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// The recordings of the fleet.
fn recordings(folder: &Path) -> Result<PathBuf> {
    let recordings = folder.join("recordings");
    fs::create_dir_all(&recordings)?;
    (0..MACHINES).try_for_each(|number| Machine::new(number).write(&recordings))?;
    Ok(recordings)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}
