//! None of many loads under one drill is missed, nothing is left of them, and what is somebody else's stays.

use anyhow::{Result, ensure};

use super::Seen;

pub(super) const SCRIPT: &str = include_str!("cycles.sh");

/// Loads and unloads.
const CYCLES: usize = 20;

/// The event of somebody else.
const FOREIGN: &str = "p:mine/x vfs_read\n";

pub(super) fn check(seen: &Seen<'_>) -> Result<usize> {
    seen.ended("cycles", 0)?;
    seen.whole("cycles")?;
    let loads = seen.loads("cycles")?;
    let succeeded = loads.iter().filter(|load| load.is("dummy", "OK")).count();
    ensure!(succeeded == CYCLES, "{succeeded} of {CYCLES} loads were seen");
    let left = seen.file("cycles.events")?;
    ensure!(left == FOREIGN, "not only somebody else's event is left:\n{left}");
    Ok(CYCLES)
}
