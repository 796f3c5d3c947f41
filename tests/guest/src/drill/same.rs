//! Drill and the kernel's own function graph see the same calls of the same loads.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use guest_vm::kernel::Flavour;

use super::{Seen, agree::Both};

pub(super) const SCRIPT: &str = include_str!("same.sh");

/// Modules whose init function makes the kernel load another one, and that.
pub(super) const REQUESTING: [&str; 2] = ["stm_core", "stm_p_basic"];

/// Loads under both, and how many loads each takes: of every kernel, of those with `REQUESTING`, of the one with the fixtures.
const LOADS: [(&str, usize); 3] = [("graph-cpufreq", 1), ("graph-pcc", 1), ("graph-xfs", 1)];
const LOADS_REQUESTING: [(&str, usize); 1] = [("graph-nowait", 2)];
const LOADS_OF_FIXTURES: [(&str, usize); 4] = [
    ("graph-request", 2),
    ("graph-static", 1),
    ("graph-probe", 1),
    ("graph-work", 1),
];

/// Compares each of a kernel, by its name. Gives how many calls are the same.
pub(super) fn each(seen: &Seen<'_>, flavour: Flavour) -> impl Iterator<Item = (&'static str, Result<usize>)> {
    let requesting = LOADS_REQUESTING.iter().filter(move |_| flavour.requesting);
    let of_fixtures = LOADS_OF_FIXTURES.iter().filter(move |_| flavour.fixtures);
    let all = LOADS.iter().chain(requesting).chain(of_fixtures);
    all.map(move |(name, loads)| (*name, same(seen, name, *loads)))
}

fn same(seen: &Seen<'_>, name: &str, loads: usize) -> Result<usize> {
    let both = both(seen, name)?;
    let modules: Vec<&str> = both.loads.iter().map(|load| load.module.as_str()).collect();
    ensure!(modules.len() == loads, "loads of {modules:?}, not {loads}");
    ensure!(
        both.loads.iter().all(|load| load.result.is_some()),
        "a load did not end: {:?}",
        both.loads
    );
    both.compare()
}

/// A module that is there already is probed where it is, and what is called of it is summed up, in words alone.
pub(super) fn loaded(seen: &Seen<'_>) -> Result<usize> {
    seen.ended("loaded", 0)?;
    let told = seen.file("loaded.err")?;
    ensure!(!told.contains("refused"), "{told}");
    let counts: BTreeMap<String, usize> = both(seen, "loaded")?.counts()?;
    let called = counts.iter().map(|(name, count)| {
        let (module, function) = name.split_once(':').unwrap_or_default();
        format!("  {function} [{module}]: {count} calls")
    });
    // What begins at the margin is about other things.
    let mut said: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with("  "))
        .filter_map(|line| line.split(',').next())
        .collect();
    said.sort_unstable();
    ensure!(
        called.collect::<Vec<_>>() == said,
        "{counts:?} by the function graph, not\n{told}"
    );
    ensure!(counts.contains_key("dummy:dummy_setup"), "dummy did not run\n{told}");
    Ok(counts.values().sum())
}

fn both(seen: &Seen<'_>, name: &str) -> Result<Both> {
    Ok(Both {
        loads: seen.loads(name)?,
        quality: seen.quality(name)?,
        events: seen.file(&format!("{name}.probed"))?,
        graph: seen.file(&format!("{name}.graph"))?,
    })
}
