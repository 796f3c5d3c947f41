//! What goes wrong while tracing: a script in a guest of its own, because its last case locks the kernel down.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};

use super::guest::{self, Tally};
use crate::{artifacts, kernel::Kernel, paths, vm::VmSpec};

/// The script, which says what it is for.
const SCRIPT: &str = "kmodtrace/tests/guest/bad-input.sh";

/// The kernel of the matrix that all cases run on: the oldest, which lacks most.
const ALL_CASES: &str = "5.10";

/// The cases in which the kernel has a part; the others try kmodtrace alone, and once is enough for them.
const OF_THE_KERNEL: &str = "check two_tracers live_lines idle capabilities no_btf lockdown";

/// Runs its cases.
pub(crate) fn run(kernel: &Kernel) -> Result<Tally> {
    let cases = if kernel.name == ALL_CASES { "" } else { OF_THE_KERNEL };
    let mut spec = VmSpec::new(kernel.clone(), format!("sh bad-input.sh {cases}"));
    // Detaching takes seconds for each case, more on a busy machine.
    spec.timeout = Duration::from_mins(10);
    spec.guest.programs = artifacts::guest_programs()?;
    spec.guest.copies = vec![(paths::workspace().join(SCRIPT), "root/bad-input.sh".to_owned())];
    let mut tally = Tally::default();
    let outcome = guest::run(&spec, &mut tally)?;
    let said = String::from_utf8_lossy(&outcome.stdout);
    for line in said.lines() {
        if let Some(case) = line.strip_prefix("ok ") {
            tally.scenario(case, Ok(0));
        } else if let Some(case) = line.strip_prefix("not ok ") {
            tally.scenario(SCRIPT, Err(anyhow!("{case}")));
        }
    }
    ensure!(
        tally.scenarios > 0 && (outcome.status == 0) == tally.failures.is_empty(),
        "{SCRIPT} ended with status {} after {} cases: {}",
        outcome.status,
        tally.scenarios,
        String::from_utf8_lossy(&outcome.stderr)
    );
    Ok(tally)
}
