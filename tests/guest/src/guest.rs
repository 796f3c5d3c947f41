//! A guest of the tests, and what comes out of it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Error, Result, anyhow, ensure};
use guest_vm::vm::{self, EmulatorFailed, Outcome, VmSpec};

use crate::corpus::Counts;

/// What came out of a part.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How many scenarios ran.
    pub(crate) scenarios: usize,
    /// How many calls of the driver were looked for in the recordings.
    pub(crate) calls: usize,
    /// How the failures of the corpus were told.
    pub(crate) corpus: Counts,
    /// How many guests the emulator ended, and ran again.
    pub(crate) died: usize,
    /// What is to be printed.
    pub(crate) lines: Vec<String>,
    /// One for each scenario that went wrong.
    pub(crate) failures: Vec<Error>,
}

impl Tally {
    /// Something that succeeded, and compares no calls.
    pub(crate) fn passed() -> Self {
        Self {
            scenarios: 1,
            ..Self::default()
        }
    }

    /// Something without any result.
    pub(crate) fn failed(error: Error) -> Self {
        Self {
            failures: vec![error],
            ..Self::default()
        }
    }

    /// Adds what another guest came to.
    pub(crate) fn add(&mut self, other: Self) {
        self.scenarios += other.scenarios;
        self.calls += other.calls;
        self.corpus.add(other.corpus);
        self.died += other.died;
        self.lines.extend(other.lines);
        self.failures.extend(other.failures);
    }

    /// Adds the cases that a program says went well or wrong, a line each, and what it says of them.
    pub(crate) fn cases(&mut self, said: &[u8]) {
        for line in String::from_utf8_lossy(said).lines() {
            if let Some(case) = line.strip_prefix("ok ") {
                self.scenarios += 1;
                if case.contains(' ') {
                    self.lines.push(case.to_owned());
                }
            } else if let Some(case) = line.strip_prefix("not ok ") {
                self.scenario(case, Err(anyhow!("it went wrong")));
            }
        }
    }

    /// Adds a scenario, which compared so many calls or went wrong.
    pub(crate) fn scenario(&mut self, name: &str, result: Result<usize>) {
        self.scenarios += 1;
        match result {
            Ok(calls) => self.calls += calls,
            Err(error) => self.failures.push(error.context(name.to_owned())),
        }
    }
}

/// Boots and runs, as [`again`] does.
pub(crate) fn run(spec: &VmSpec, tally: &mut Tally) -> Result<Outcome> {
    again(&format!("with kernel {}", spec.kernel.name), tally, || once(spec))
}

/// Boots; a second time if the emulator ended the guest, which happens now and then. That it did is said, and told in the tally:
/// a guest that it ends twice has failed. A guest whose time is up or whose kernel complains has failed at once.
pub(crate) fn again<T>(which: &str, tally: &mut Tally, boot: impl Fn() -> Result<T>) -> Result<T> {
    boot().or_else(|error| {
        if !error.is::<EmulatorFailed>() {
            return Err(error);
        }
        eprintln!("xtask: the emulator ended a guest {which}, once more: {error:#}");
        tally.died += 1;
        boot()
    })
}

fn once(spec: &VmSpec) -> Result<Outcome> {
    if let Some(out) = &spec.out_dir {
        fresh(out)?;
    }
    let outcome = vm::run(spec, &mut |_, _| Ok(()))?;
    ensure!(
        outcome.release == spec.kernel.release,
        "the guest runs {}, not {}",
        outcome.release,
        spec.kernel.release
    );
    Ok(outcome)
}

/// An empty folder here, which stays for those who want to look at the recordings.
pub(crate) fn fresh(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("cannot empty {}", path.display()))?;
    }
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))
}
