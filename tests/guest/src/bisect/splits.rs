//! What `kmodtrace diff` says of kernels that differ, and of one that does not.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use guest_vm::paths::Scratch;
use serde_json::Value;

use super::{FEW, MANY, says, session::Side};

/// How often a table of sets alike may have a difference: the default of `--alpha`.
const ALPHA: f64 = 0.05;

/// Each waiter of a load that failed runs the init function again, instead of getting EBUSY: that is found, with its size.
pub(super) fn fix(tool: &Path, plain: &Side<'_>, before: &Side<'_>) -> Result<()> {
    let runs = |side: &Side<'_>| (1..=FEW).map(|run| side.recording(run)).collect::<Vec<_>>();
    let rows = differences(tool, &runs(plain), &runs(before))?;
    let find = |name: &str| {
        let found = rows
            .iter()
            .find(|row| row["name"] == name && row["subject"]["module"] == "acpi_cpufreq");
        found.with_context(|| format!("no difference in {name}: {rows:?}"))
    };
    ensure!(find("errno EBUSY")?["verdict"] == "vanished", "EBUSY is still there");
    let inits = find("init runs")?;
    ensure!(inits["second"] == 8.0, "not each of the eight runs init: {inits}");
    ensure!(inits["factor"].as_f64().is_some_and(|factor| factor >= 4.0), "{inits}");
    ensure!(find("errno ENODEV")?["verdict"] == "more", "there is not more ENODEV");
    Ok(())
}

/// Recordings of one kernel, divided into fours in every possible way: 3 times 70 pairs of sets between which nothing changed.
/// As many tables at most as is stated may have a difference.
/// Gives a line about how many have one.
pub(super) fn same(tool: &Path, side: &Side<'_>) -> Result<String> {
    let (mut tables, mut wrong) = (0, 0);
    for eight in 0..MANY / FEW {
        let runs: Vec<PathBuf> = (1..=FEW).map(|run| side.recording(eight * FEW + run)).collect();
        for chosen in (0_u32..1 << FEW).filter(|chosen| chosen.count_ones() == 4) {
            let (first, second): (Vec<_>, Vec<_>) = (0..).zip(&runs).partition(|(at, _)| chosen >> at & 1 == 1);
            let paths = |half: Vec<(u32, &PathBuf)>| half.into_iter().map(|(_, path)| path.clone()).collect::<Vec<_>>();
            tables += 1;
            wrong += u32::from(!differences(tool, &paths(first), &paths(second))?.is_empty());
        }
    }
    ensure!(tables >= 200, "only {tables} pairs");
    ensure!(
        f64::from(wrong) <= ALPHA * f64::from(tables),
        "{wrong} of {tables} pairs of one kernel have a difference"
    );
    Ok(format!(
        "diff: {wrong} of {tables} pairs of sets of one kernel have a difference; stated are {ALPHA}"
    ))
}

/// The rows that are different for sure.
fn differences(tool: &Path, first: &[PathBuf], second: &[PathBuf]) -> Result<Vec<Value>> {
    let scratch = Scratch::new()?;
    let set = |name: &str, recordings: &[PathBuf]| -> Result<PathBuf> {
        let folder = scratch.path().join(name);
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for (at, recording) in recordings.iter().enumerate() {
            symlink(recording, folder.join(format!("{at}.kmt"))).context("cannot make a link")?;
        }
        Ok(folder)
    };
    let (a, b) = (set("a", first)?, set("b", second)?);
    let diff = says(
        tool,
        &["diff".as_ref(), "--json".as_ref(), a.as_os_str(), b.as_os_str()],
    )?;
    let rows = diff["rows"].as_array().context("a diff without rows")?;
    let different = |row: &&Value| {
        let verdict = row["verdict"].as_str().unwrap_or_default();
        ["new", "vanished", "more", "less"].contains(&verdict)
    };
    Ok(rows.iter().filter(different).cloned().collect())
}
