//! Sessions on the kernel that runs, each in a guest of its own.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use guest_vm::{artifacts, kernel::Kernel, vm::VmSpec};
use serde_json::Value;

use super::says;
use crate::{
    guest::{self, Tally},
    oracle,
};

const SCRIPT: &str = include_str!("guest.sh");

/// ENODEV: what the init function returns where there is no such hardware.
const ENODEV: u32 = 19;

/// One of the kernels, and what its guest leaves.
pub(super) struct Side<'k> {
    pub(super) name: &'static str,
    pub(super) kernel: &'k Kernel,
    pub(super) runs: usize,
    pub(super) out: PathBuf,
}

impl Side<'_> {
    /// Lets the guest make its sessions, and checks what it says of them.
    pub(super) fn run(&self) -> Result<Tally> {
        let script = format!("RUNS={} NAME={}\n{SCRIPT}", self.runs, self.name);
        let mut spec = VmSpec::new(self.kernel.clone(), script);
        spec.guest.programs = artifacts::guest_programs()?;
        spec.timeout = Duration::from_mins(20);
        spec.out_dir = Some(self.out.clone());
        let mut tally = Tally::default();
        let outcome = guest::run(&spec, &mut tally)?;
        outcome.succeeded()?;
        let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
        tally.scenario(&format!("statuses, {}", self.name), self.statuses(&said));
        Ok(tally)
    }

    fn statuses(&self, said: &str) -> Result<usize> {
        let verdict = if self.name == "plain" { "all 0" } else { "all 1" };
        for line in [verdict, "killed 0", "unseen 125", "nowhere 128"] {
            ensure!(said.lines().any(|known| known == line), "no line \"{line}\" in\n{said}");
        }
        for wrong in ["nothing was left", "has changed"] {
            ensure!(!said.contains(wrong), "{said}");
        }
        Ok(0)
    }

    /// The recording of a run.
    pub(super) fn recording(&self, run: usize) -> PathBuf {
        self.out.join(format!("all/0001/{run:02}.kmt"))
    }

    /// The first step of a session, by its report.
    fn first_step(&self, tool: &Path, session: &str) -> Result<Value> {
        let session = self.out.join(session);
        let words = ["bisect", "report", "--json", "--session"].map(OsStr::new);
        let mut report = says(tool, &[words.as_slice(), &[session.as_os_str()]].concat())?;
        Ok(report["steps"][0].take())
    }

    /// The session is whole, and each run is what its driver says. Gives how many calls that were.
    pub(super) fn check(&self, tool: &Path, verdict: u64) -> Result<usize> {
        let step = self.first_step(tool, "all")?;
        let name = if verdict == 0 { "good" } else { "bad" };
        ensure!(step["verdict"] == name && step["label"] == self.name, "{step}");
        ensure!(step["kernels"] == serde_json::json!([self.kernel.release]), "{step}");
        let runs = step["runs"].as_array().context("the step has no runs")?;
        ensure!(runs.len() == self.runs, "{} runs, not {}", runs.len(), self.runs);
        let mut calls = 0;
        for run in runs {
            calls += self.run_is_as_its_driver_says(run, verdict)?;
        }
        // A run that was killed is kept beside the one that was made for it.
        let step = self.first_step(tool, "killed")?;
        ensure!(step["interrupted"] == serde_json::json!([2]), "{step}");
        let numbers: Vec<_> = step["runs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|run| &run["number"])
            .collect();
        ensure!(numbers == [1, 3], "{step}");
        Ok(calls)
    }

    /// What the driver got, it wrote to what became the run's console.
    fn run_is_as_its_driver_says(&self, run: &Value, verdict: u64) -> Result<usize> {
        let console = run["console"].as_str().context("a run without a console")?;
        let log = oracle::read(&self.out.join("all/0001").join(console))?;
        let calls = log.iter().flat_map(|scenario| &scenario.calls);
        let loads: Vec<_> = calls.filter(|call| call.syscall != "delete_module").collect();
        let inits = loads.iter().filter(|call| call.errno == Some(ENODEV)).count();
        // Nobody else returns ENODEV there, so that is how often the init function ran.
        ensure!(
            run["values"][0].as_f64() == Some(f64::from(u32::try_from(inits)?)),
            "{inits} inits: {run}"
        );
        let expected = if verdict == 0 { "good" } else { "bad" };
        ensure!(run["verdict"] == expected, "{inits} inits: {run}");
        ensure!(loads.len() == 8, "{} loads", loads.len());
        Ok(loads.len())
    }
}
