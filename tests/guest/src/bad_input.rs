//! What goes wrong while tracing: a script in a guest of its own, because its last case locks the kernel down.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use guest_vm::{
    artifacts,
    kernel::{BadInput, Flavour},
    paths,
    vm::VmSpec,
};

use crate::guest::{self, Tally};
use crate::subject::Subject;

/// The script, which says what it is for.
const SCRIPT: &str = "kmodtrace/tests/guest/bad-input.sh";

/// The cases in which the kernel has a part; the others try kmodtrace alone, and once is enough for them.
const OF_THE_KERNEL: &str = "check two_tracers live_lines idle capabilities memlock no_btf lockdown";

/// The names of the cases for a kernel.
pub(crate) fn names(flavour: Flavour) -> Result<Vec<String>> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    match flavour.bad_input {
        BadInput::Not => Ok(Vec::new()),
        BadInput::OfTheKernel => Ok(words(OF_THE_KERNEL)),
        BadInput::All => {
            let file = paths::workspace().join(SCRIPT);
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let cases = text.split("\nCASES=\"").nth(1).and_then(|rest| rest.split('"').next());
            cases.map(words).with_context(|| format!("{SCRIPT} names no cases"))
        }
    }
}

/// Runs its cases.
pub(crate) fn run(subject: &Subject<'_>) -> Result<Tally> {
    let cases: Vec<_> = names(subject.flavour)?
        .into_iter()
        .filter(|case| subject.wants(case))
        .collect();
    let command = format!("sh bad-input.sh {}", cases.join(" "));
    let mut spec = VmSpec::new(subject.kernel.clone(), command);
    // Detaching takes seconds for each case, more on a busy machine.
    spec.timeout = Duration::from_mins(30);
    spec.guest.programs = artifacts::guest_programs()?;
    spec.guest.copies = vec![(paths::workspace().join(SCRIPT), "root/bad-input.sh".to_owned())];
    let mut tally = Tally::default();
    let outcome = guest::run(&spec, &mut tally)?;
    tally.cases(&outcome.stdout);
    ensure!(
        tally.scenarios > 0 && (outcome.status == 0) == tally.failures.is_empty(),
        "{SCRIPT} ended with status {} after {} cases: {}",
        outcome.status,
        tally.scenarios,
        String::from_utf8_lossy(&outcome.stderr)
    );
    Ok(tally)
}
