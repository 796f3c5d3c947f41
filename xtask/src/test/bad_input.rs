//! What goes wrong while tracing: a script in a guest of its own, because its last case locks the kernel down.

use anyhow::{Error, Result, anyhow, ensure};

use crate::{
    artifacts,
    kernel::Kernel,
    paths,
    vm::{self, VmSpec},
};

/// The script, which says what it is for.
const SCRIPT: &str = "kmodtrace/tests/guest/bad-input.sh";

/// The kernel of the matrix that all cases run on: the oldest, which lacks most.
const ALL_CASES: &str = "5.10";

/// The cases in which the kernel has a part; the others try kmodtrace alone, and once is enough for them.
const OF_THE_KERNEL: &str = "check two_tracers live_lines idle capabilities no_btf lockdown";

/// Runs its cases. Gives how many there were, and those that went wrong.
pub(crate) fn run(kernel: &Kernel) -> Result<(usize, Vec<Error>)> {
    let cases = if kernel.name == ALL_CASES { "" } else { OF_THE_KERNEL };
    let mut spec = VmSpec::new(kernel.clone(), format!("sh bad-input.sh {cases}"));
    spec.guest.programs = artifacts::guest_programs()?;
    spec.guest.copies = vec![(paths::workspace().join(SCRIPT), "root/bad-input.sh".to_owned())];
    let outcome = vm::run(&spec, &mut |_, _| Ok(()))?;
    let said = String::from_utf8_lossy(&outcome.stdout);
    let cases = said
        .lines()
        .filter(|line| line.starts_with("ok ") || line.starts_with("not ok "))
        .count();
    let failures: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("not ok "))
        .map(|case| anyhow!("{case}"))
        .collect();
    ensure!(
        cases > 0 && (outcome.status == 0) == failures.is_empty(),
        "{SCRIPT} ended with status {} after {cases} cases: {}",
        outcome.status,
        String::from_utf8_lossy(&outcome.stderr)
    );
    Ok((cases, failures))
}
