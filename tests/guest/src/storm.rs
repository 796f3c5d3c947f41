//! The storm of stock modules: eight modprobe at once for each of three.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use guest_vm::process;

use crate::compare;
use crate::observed::{Module, Report, report};

/// What makes it, with its lines, live: `traced` is of the guest's command.
pub(crate) const COMMAND: &str = "
cat >/tmp/storm <<'END'
modprobe -r xfs 2>/dev/null
for task in 1 2 3 4 5 6 7 8; do
    for module in acpi_cpufreq pcc_cpufreq xfs; do
        modprobe $module 2>/dev/null &
    done
done
wait
END
traced stock-storm trace -o /out/stock-storm.kmt -- sh /tmp/storm
";

/// Checks what such a guest forces, and that the lines seen live are those of the recording.
pub(crate) fn check(tool: &Path, out: &Path) -> Result<()> {
    let recording = out.join("stock-storm.kmt");
    let report = report(tool, &recording)?;
    compare::whole(&report)?;
    // No such hardware: who runs init gets ENODEV, or EEXIST while the other's driver is just registered; who collides
    // with that gets EBUSY, and who shares the load of the file (6.5 and later) its leader's errno.
    for name in ["acpi_cpufreq", "pcc_cpufreq"] {
        let module = module(&report, name)?;
        let led = outcomes(module, &["ENODEV", "EEXIST"]);
        ensure!(
            module.attempts == 8 && led > 0 && led + outcomes(module, &["EBUSY"]) == 8,
            "storm: {module:?}"
        );
    }
    let xfs = module(&report, "xfs")?;
    ensure!(
        xfs.attempts <= 8 && outcomes(xfs, &["OK", "EEXIST"]) == xfs.attempts,
        "storm: {xfs:?}"
    );
    ensure!(xfs.outcomes.contains_key("OK"), "storm: xfs was not loaded: {xfs:?}");

    let live = std::fs::read_to_string(out.join("stock-storm.txt")).context("no lines of the storm")?;
    let mut command = Command::new(tool);
    let replayed = process::text(command.args(["trace", "--from"]).arg(&recording))?;
    ensure!(
        live.trim_end() == replayed.trim_end(),
        "storm: live lines differ from those of the recording:\n{live}\n{replayed}"
    );
    Ok(())
}

fn module<'r>(report: &'r Report, name: &str) -> Result<&'r Module> {
    let found = report
        .modules
        .iter()
        .find(|module| module.name.as_deref() == Some(name));
    found.with_context(|| format!("storm: the report has no module {name}"))
}

fn outcomes(module: &Module, names: &[&str]) -> u64 {
    names.iter().filter_map(|name| module.outcomes.get(*name)).sum()
}
