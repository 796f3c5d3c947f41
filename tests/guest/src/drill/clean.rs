//! Nothing is left, whatever was loaded, how often and in whatever way drill ended.

use std::fs;

use anyhow::{Result, ensure};

use super::Seen;

pub(super) const SCRIPT: &str = include_str!("clean.sh");

/// What the kernel has to complain of at the end.
pub(super) const END: &str = include_str!("end.sh");

/// How many storms there are: in each at least one load runs init.
const STORMS: usize = 5;

pub(super) fn check(seen: &Seen<'_>) -> Result<()> {
    seen.ended("after", 1)?;
    for entry in fs::read_dir(seen.out)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // After the one that was killed there must be some, and beside another somebody else had one.
        if name.ends_with(".events") && !["killed.events", "cycles.events"].contains(&name.as_str()) {
            let left = seen.file(&name)?;
            ensure!(left.is_empty(), "{name} is\n{left}");
        }
    }
    ensure!(
        !seen.file("killed.events")?.is_empty(),
        "the one that was killed had no events"
    );
    seen.ended("storm", 0)?;
    seen.whole("storm")?;
    let loads = seen.loads("storm")?;
    let failed = loads.iter().filter(|load| load.is("acpi_cpufreq", "ENODEV")).count();
    ensure!(
        failed >= STORMS,
        "{failed} loads ran init in {STORMS} storms: {loads:?}"
    );
    let complaints = seen.file("complaints")?;
    ensure!(complaints.is_empty(), "the kernel complains\n{complaints}");
    Ok(())
}
