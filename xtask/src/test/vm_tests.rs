//! What kmodtrace recorded on one kernel, compared with what the driver says it got.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};

use super::{bad_input, bpftool, clipped, compare, observed::Report, oracle, storm};
use crate::{
    artifacts,
    kernel::Kernel,
    process,
    vm::{self, VmSpec},
};

/// Each of the driver's scenarios under the tracer, with the kernel's own count of how often the programs ran; then the
/// storm of stock modules with its lines, live.
///
/// A preemptible kernel skips a program when the task that it preempted inside that very program shares the CPU
/// (`__bpf_prog_enter_recur`, kernel/bpf/trampoline.c). kmodtrace counts that as missed, and such a recording cannot be
/// complete: the scenario is run again, a few times at most, and how often is told.
const COMMAND: &str = r"
sysctl -qw kernel.bpf_stats_enabled=1
kmodtrace check --json > /out/check.json || exit
for scenario in $(load-driver list); do
    cat > /tmp/scenario <<END
load-driver $scenario --log /out/$scenario.jsonl || exit
bpftool --json prog show > /out/$scenario.programs
END
    for try in 1 2 3 4 5 6 7 8; do
        kmodtrace record -o /out/$scenario.kmt -- sh /tmp/scenario 2> /tmp/said || { cat /tmp/said >&2; exit 1; }
        grep -q 'missed 0,' /tmp/said && break
        echo $scenario
    done
done
kmodtrace record -q --max-in-flight 4 -o /out/clipped.kmt -- load-driver copies --log /out/clipped.log || exit
cat > /tmp/storm <<'END'
modprobe -r xfs 2>/dev/null
for task in 1 2 3 4 5 6 7 8; do
    for module in acpi_cpufreq pcc_cpufreq xfs; do
        modprobe $module 2>/dev/null &
    done
done
wait
END
for try in 1 2 3 4 5 6 7 8; do
    kmodtrace trace -o /out/stock-storm.kmt -- sh /tmp/storm > /out/stock-storm.txt 2> /tmp/said || { cat /tmp/said >&2; exit 1; }
    grep -q 'missed 0,' /tmp/said && break
    echo stock-storm
done
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
    /// How often a scenario was run again because the kernel had skipped a program.
    pub(crate) again: usize,
    /// Whether a guest gave no result before.
    pub(crate) died: bool,
    /// One for each scenario that went wrong.
    pub(crate) failures: Vec<Error>,
}

/// Runs every scenario on this kernel. An error is a guest that gave no result at all.
pub(crate) fn run(kernel: &Kernel) -> Result<Tally> {
    let out = fresh(&artifacts::target_dir()?.join("guests").join(&kernel.name))?;
    let mut spec = VmSpec::new(kernel.clone(), COMMAND);
    spec.guest.programs = artifacts::guest_programs()?;
    // More processors than tasks that run at once: those that share one are who makes a preemptible kernel skip programs.
    spec.smp = 8;
    spec.out_dir = Some(out.clone());
    let outcome = vm::run(&spec, &mut |_, _| Ok(()))?;
    if outcome.status != 0 {
        let said = String::from_utf8_lossy(&outcome.stderr);
        bail!("the guest's command failed ({}): {said}", outcome.status);
    }
    ensure!(
        outcome.release == kernel.release,
        "the guest runs {}, not {}",
        outcome.release,
        kernel.release
    );
    // A static program runs here as it does in the guest.
    let tool = spec
        .guest
        .programs
        .iter()
        .find(|program| program.ends_with("kmodtrace"))
        .context("no kmodtrace was built")?;
    let again = String::from_utf8_lossy(&outcome.stdout).lines().count();
    let mut tally = Tally {
        release: outcome.release,
        scenarios: 2,
        attempts: 0,
        again,
        died: false,
        failures: Vec::new(),
    };
    tally.failures.extend(storm::check(tool, &out).err());
    tally.failures.extend(clipped::check(tool, &out).err());
    for name in scenario_names(&out)? {
        tally.scenarios += 1;
        match scenario(tool, &out, &name) {
            Ok(attempts) => tally.attempts += attempts,
            Err(error) => tally.failures.push(error.context(name)),
        }
    }
    ensure!(tally.scenarios > 2, "the driver ran no scenario");
    let (cases, failures) = bad_input::run(kernel)?;
    tally.scenarios += cases;
    tally.failures.extend(failures);
    Ok(tally)
}

/// An empty folder here, which stays for those who want to look at the recordings.
fn fresh(path: &Path) -> Result<PathBuf> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("cannot empty {}", path.display()))?;
    }
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path.to_owned())
}

/// Every scenario that left a log.
fn scenario_names(out: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in out.read_dir()? {
        let name = entry?.file_name().into_string().unwrap_or_default();
        names.extend(name.strip_suffix(".jsonl").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Compares a scenario's log with its recording, and the kernel's counts with both. Gives how many calls were compared.
fn scenario(tool: &Path, out: &Path, name: &str) -> Result<usize> {
    let scenarios = oracle::read(&out.join(format!("{name}.jsonl")))?;
    let report = report(tool, &out.join(format!("{name}.kmt")))?;
    let (attempts, mut failures) = compare::scenarios(&scenarios, &report);
    failures.extend(compare::sums(&report));
    failures.extend(bpftool::counts(&out.join(format!("{name}.programs")), &scenarios).err());
    let texts: Vec<_> = failures.iter().map(|failure| format!("{failure:#}")).collect();
    ensure!(texts.is_empty(), "{}", texts.join("; "));
    ensure!(attempts > 0, "the driver made no call");
    Ok(attempts)
}

/// The report of a recording, by the tool itself: what its users read.
pub(crate) fn report(tool: &Path, recording: &Path) -> Result<Report> {
    let mut command = Command::new(tool);
    command
        .args(["report", "--format", "json", "--attempts", "--from"])
        .arg(recording);
    let text = process::text(&mut command)?;
    serde_json::from_str(&text).with_context(|| anyhow!("the report of {} is not as documented", recording.display()))
}
