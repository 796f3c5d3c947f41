//! Scenarios on one kernel: what kmodtrace recorded, compared with what the driver says it got.

use anyhow::{Error, Result, bail};

use crate::{
    artifacts,
    kernel::Kernel,
    vm::{self, VmSpec},
};

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
    let mut spec = VmSpec::new(kernel.clone(), "uname -r");
    spec.guest.programs = artifacts::guest_programs()?;
    let outcome = vm::run(&spec, &mut |_, _| Ok(()))?;
    if outcome.status != 0 {
        let said = String::from_utf8_lossy(&outcome.stderr);
        bail!("the guest's command failed ({}): {said}", outcome.status);
    }
    let said = String::from_utf8_lossy(&outcome.stdout);
    if said.trim() != kernel.release {
        bail!("the guest runs {}, not {}", said.trim(), kernel.release);
    }
    Ok(Tally {
        release: outcome.release,
        scenarios: 1,
        attempts: 0,
        failures: Vec::new(),
    })
}
