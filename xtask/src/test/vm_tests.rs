//! What kmodtrace recorded on one kernel, compared with what the driver says it got.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};

use super::{bpftool, compare, observed::Report, oracle, storm};
use crate::{
    artifacts,
    kernel::Kernel,
    paths::Scratch,
    process,
    vm::{self, VmSpec},
};

/// The driver's scenarios under the tracer, the kernel's own count of how often the programs ran beside it; then the
/// storm of stock modules with its lines, live.
const COMMAND: &str = r"
sysctl -qw kernel.bpf_stats_enabled=1
cat > /tmp/scenarios <<'END'
load-driver all --log /out/driver.jsonl || exit
bpftool --json prog show > /out/programs.json
END
kmodtrace record -q -o /out/driver.kmt -- sh /tmp/scenarios || exit
kmodtrace check --json > /out/check.json || exit
cat > /tmp/storm <<'END'
for task in 1 2 3 4 5 6 7 8; do
    for module in acpi_cpufreq pcc_cpufreq xfs; do
        modprobe $module 2>/dev/null &
    done
done
wait
END
kmodtrace trace -o /out/storm.kmt -- sh /tmp/storm > /out/storm.txt
";

/// What came out of one kernel's scenarios.
#[derive(Debug)]
pub(crate) struct Tally {
    /// What `uname -r` said.
    pub(crate) release: String,
    /// How many scenarios ran.
    pub(crate) scenarios: usize,
    /// How many attempts of the driver were looked for in the recording.
    pub(crate) attempts: usize,
    /// One for each scenario that went wrong.
    pub(crate) failures: Vec<Error>,
}

/// Runs every scenario on this kernel. An error is a guest that gave no result at all.
pub(crate) fn run(kernel: &Kernel) -> Result<Tally> {
    let out = Scratch::new()?;
    let mut spec = VmSpec::new(kernel.clone(), COMMAND);
    spec.guest.programs = artifacts::guest_programs()?;
    spec.out_dir = Some(out.path().to_owned());
    let outcome = vm::run(&spec, &mut |_, _| Ok(()))?;
    if outcome.status != 0 {
        let said = String::from_utf8_lossy(&outcome.stderr);
        bail!("the guest's command failed ({}): {said}", outcome.status);
    }
    ensure!(outcome.release == kernel.release, "the guest runs {}, not {}", outcome.release, kernel.release);
    // A static program runs here as it does in the guest.
    let tool = spec.guest.programs.iter().find(|program| program.ends_with("kmodtrace")).context("no kmodtrace was built")?;
    let scenarios = oracle::read(&out.path().join("driver.jsonl"))?;
    let report = report(tool, &out.path().join("driver.kmt"))?;
    let (attempts, mut failures) = compare::scenarios(&scenarios, &report);
    failures.extend(compare::sums(&report));
    failures.extend(bpftool::counts(&out.path().join("programs.json"), &scenarios).err());
    failures.extend(storm::check(tool, out.path()).err());
    // The sums, the kernel's counts and the storm are one scenario each.
    Ok(Tally { release: outcome.release, scenarios: scenarios.len() + 3, attempts, failures })
}

/// The report of a recording, by the tool itself: what its users read.
pub(crate) fn report(tool: &Path, recording: &Path) -> Result<Report> {
    let mut command = Command::new(tool);
    command.args(["report", "--format", "json", "--attempts", "--from"]).arg(recording);
    let text = process::text(&mut command)?;
    serde_json::from_str(&text).with_context(|| anyhow!("the report of {} is not as documented", recording.display()))
}
