//! A recording that is made while the driver runs: what the guest is told to do, and what is checked of it.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde::Deserialize;

use crate::guest::Tally;
use crate::observed::{Report, report};
use crate::{addresses, bpftool, compare, corpus, oracle, requests};

/// How the driver calls those of its scenarios that are storms.
pub(crate) const STORMS: &str = "hammer-";

/// Four storms of so many rounds make 1,280 loads.
const STORM_SIZE: &str = "--tasks 64 --rounds 5";

/// Those with more tasks asleep at once than a kretprobe has instances for.
const CROWDS: [&str; 3] = ["same-file", "copies", "failing-init"];
const CROWD_SIZE: &str = "--tasks 64";

/// A recording of the driver's scenarios.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) name: &'static str,
    /// The option for families of probes, if it has any.
    pub(crate) families: &'static str,
    /// What is made in it, one after the other.
    pub(crate) logs: Vec<Log>,
}

/// A scenario of the driver, with a log of its own.
#[derive(Debug)]
pub(crate) struct Log {
    /// The file's name without its end, and the scenario's in the gate.
    pub(crate) name: String,
    scenario: String,
}

impl Log {
    pub(crate) fn of(name: &str, scenario: &str) -> Self {
        Self {
            name: name.to_owned(),
            scenario: scenario.to_owned(),
        }
    }

    fn path(&self, out: &Path) -> PathBuf {
        out.join(format!("{}.jsonl", self.name))
    }

    /// The log's name and the driver's arguments, a line.
    fn line(&self) -> String {
        let Self { name, scenario } = self;
        let size = if scenario.starts_with(STORMS) {
            STORM_SIZE
        } else if CROWDS.contains(&scenario.as_str()) {
            CROWD_SIZE
        } else {
            ""
        };
        format!("{name} {scenario} {size}\n")
    }
}

impl Recording {
    /// What makes it in the guest.
    pub(crate) fn command(&self) -> String {
        let lines: String = self.logs.iter().map(Log::line).collect();
        format!("scenarios {} '{}' <<'END'\n{lines}END\n", self.name, self.families)
    }

    /// Checks each of its scenarios that was made, then what is of all of them.
    pub(crate) fn check(&self, tool: &Path, out: &Path, symbols: bool, tally: &mut Tally) {
        let made: Vec<_> = self.logs.iter().filter(|log| log.path(out).exists()).collect();
        if made.is_empty() {
            // Not every scenario can be made on every kernel.
            return;
        }
        let recording = out.join(format!("{}.kmt", self.name));
        let whole = report(tool, &recording).and_then(|report| {
            let mut checked = Checked {
                observed: compare::Observed::of(&report),
                report: &report,
                scenarios: Vec::new(),
            };
            for log in made {
                let compared = oracle::read(&log.path(out)).and_then(|made| checked.compare(made, symbols, tally));
                tally.scenario(&log.name, compared);
            }
            checked.whole(out, self, symbols)?;
            addresses::none(&recording)
        });
        tally
            .failures
            .extend(whole.err().map(|error| error.context(format!("{}.kmt", self.name))));
    }

    /// Whether requests have their stacks in it, where the kernel can tell them.
    fn has_stacks(&self) -> bool {
        self.families.contains("stacks")
    }
}

/// A report, and what was found in it.
struct Checked<'r> {
    report: &'r Report,
    observed: compare::Observed<'r>,
    scenarios: Vec<oracle::Scenario>,
}

impl Checked<'_> {
    /// Compares the calls, or the mounts, of a log with the report, and where failures came from. Gives how many calls they were.
    fn compare(&mut self, scenarios: Vec<oracle::Scenario>, symbols: bool, tally: &mut Tally) -> Result<usize> {
        let mut compared = 0;
        let mut failures = Vec::new();
        for scenario in &scenarios {
            // With mounts there are modprobes, whose calls are not in the log.
            let result = if scenario.mounts.is_empty() {
                self.observed.compare(scenario)
            } else {
                requests::compare(scenario, self.report)
            };
            match result {
                Ok(number) => compared += number,
                Err(error) => failures.push(format!("{error:#}")),
            }
            match corpus::check(scenario, self.report, symbols, &mut tally.lines) {
                Ok(counts) => tally.corpus.add(counts),
                Err(error) => failures.push(format!("{error:#}")),
            }
        }
        self.scenarios.extend(scenarios);
        ensure!(failures.is_empty(), "{}", failures.join("; "));
        ensure!(compared > 0, "the driver made no call");
        Ok(compared)
    }

    /// What is of all scenarios: sums, the kernel's counts, calls that nobody made, and stacks.
    fn whole(&self, out: &Path, recording: &Recording, symbols: bool) -> Result<()> {
        let mut failures = compare::sums(self.report);
        if self.scenarios.iter().all(|scenario| scenario.mounts.is_empty()) {
            failures.extend(self.observed.nothing_is_invented().err());
            failures.extend(bpftool::counts(out, recording.name, &self.scenarios).err());
        }
        // Of families that are asked for check says no more than that they were not.
        if recording.families.is_empty() {
            failures.extend(nothing_was_refused(out, self.report).err());
        }
        failures.extend(have_stacks(self.report, recording.has_stacks() && symbols).err());
        let texts: Vec<_> = failures.iter().map(|failure| format!("{failure:#}")).collect();
        ensure!(texts.is_empty(), "{}", texts.join("; "));
        Ok(())
    }
}

/// What `kmodtrace check` says of the kernel before anything is attached.
#[derive(Deserialize)]
struct Check {
    unobserved: Vec<String>,
}

/// The kernel took every program that the plan chose: what was not observed was known before.
fn nothing_was_refused(out: &Path, report: &Report) -> Result<()> {
    let check: Check = bpftool::json(&out.join("check.json"))?;
    let refused = report
        .quality
        .unobserved
        .iter()
        .filter(|lost| !check.unobserved.contains(lost));
    let refused: Vec<&str> = refused.map(String::as_str).collect();
    ensure!(refused.is_empty(), "not foreseen: {}", refused.join("; "));
    Ok(())
}

/// Requests have a stack where it was asked for, and nowhere else. It is of `__request_module`.
fn have_stacks(report: &Report, asked: bool) -> Result<()> {
    for request in &report.requests {
        let of_request = request.stack.iter().any(|frame| frame.starts_with("__request_module"));
        ensure!(
            of_request == asked && request.stack.is_empty() != asked,
            "the stack of request {} is {:?}",
            request.id,
            request.stack
        );
    }
    Ok(())
}
