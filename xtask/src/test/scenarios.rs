//! What kmodtrace recorded of the driver's scenarios, compared with what the driver says it got.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};

use super::guest::{self, Tally};
use super::observed::{Report, report};
use super::part::Subject;
use super::{bpftool, clipped, compare, corpus, oracle, requests, storm};
use crate::{artifacts, fixtures, kernel::Flavour, process, vm::VmSpec};

/// The beginning of the guest's command, which says what it does.
const COMMAND: &str = include_str!("scenarios.sh");

/// What the corpus needs besides stock modules: two of them that the kernel's command line refuses, and one that imports
/// from a namespace.
const REFUSALS: &str = "module_blacklist=isofs initcall_blacklist=brd_init";

/// Recordings of this name are of every family of probes.
const WITH_ALL: &str = "-with-all";

/// How the driver calls those of its scenarios that are storms.
const STORMS: &str = "hammer-";

/// Four storms of so many rounds make 1,280 loads.
const STORM_SIZE: &str = "--tasks 64 --rounds 5";

/// Those with more tasks asleep at once than a kretprobe has instances for.
const CROWDS: [&str; 3] = ["same-file", "copies", "failing-init"];
const CROWD_SIZE: &str = "--tasks 64";

/// What runs besides each of the driver's scenarios as it is: its name, and the line of the guest's command that runs it.
const MORE: [(&str, &str); 4] = [
    (
        "storm-with-all",
        "scenario storm-with-all '--with mutex,rcu,printk,stacks' storm",
    ),
    (
        "requests-with-all",
        "scenario requests-with-all '--with mutex,rcu,printk,stacks' requests",
    ),
    (CLIPPED, "clipped"),
    (STOCK_STORM, "stock_storm"),
];

const CLIPPED: &str = "clipped";
const STOCK_STORM: &str = "stock-storm";

/// What is made on every kernel: tasks that wait for each other and meet each state of a module, requests, and the corpus.
const HEART: [&str; 9] = [
    "same-file",
    "copies",
    "failing-init",
    "slow-init",
    "going",
    "killed-waiter",
    "unload-race",
    "requests-with-all",
    "corpus",
];

/// The names of all scenarios of a kernel but storms.
pub(crate) fn names(flavour: Flavour) -> Result<Vec<String>> {
    let drivers = of_the_driver()?.into_iter().filter(|name| !name.starts_with(STORMS));
    let more = MORE.iter().map(|(name, _)| (*name).to_owned());
    let mut names: Vec<String> = more.chain(drivers).collect();
    names.retain(|name| flavour.every_scenario || HEART.contains(&name.as_str()));
    Ok(names)
}

/// The names of storms.
pub(crate) fn storm_names() -> Result<Vec<String>> {
    let mut names = of_the_driver()?;
    names.retain(|name| name.starts_with(STORMS));
    ensure!(!names.is_empty(), "the driver has no storms");
    Ok(names)
}

/// The driver is static: it runs here as it does in a guest.
fn of_the_driver() -> Result<Vec<String>> {
    let programs = artifacts::guest_programs()?;
    let driver = programs.iter().find(|program| program.ends_with("load-driver"));
    let mut list = Command::new(driver.context("no load-driver was built")?);
    Ok(process::text(list.args(["list", "all"]))?
        .lines()
        .map(str::to_owned)
        .collect())
}

/// Runs every scenario but storms that this kernel is for.
pub(crate) fn run(subject: &Subject<'_>) -> Result<Tally> {
    all(subject, "", names(subject.flavour)?)
}

/// Runs the storms, in a guest of their own.
pub(crate) fn run_storms(subject: &Subject<'_>) -> Result<Tally> {
    all(subject, "-storms", storm_names()?)
}

/// Runs these, as far as they are wanted, in one guest. An error is a guest that gave no result at all.
fn all(subject: &Subject<'_>, suffix: &str, mut names: Vec<String>) -> Result<Tally> {
    names.retain(|name| subject.wants(name));
    let kernel = &subject.kernel;
    let out = artifacts::target_dir()?
        .join("guests")
        .join(format!("{}{suffix}", kernel.name));
    let mut spec = VmSpec::new(kernel.clone(), command(&names));
    spec.guest.programs = artifacts::guest_programs()?;
    REFUSALS.clone_into(&mut spec.append);
    if subject.flavour.fixtures {
        fixtures::stage(&mut spec)?;
    }
    spec.timeout = Duration::from_mins(30);
    spec.out_dir = Some(out.clone());
    let mut tally = Tally::default();
    let outcome = guest::run(&spec, &mut tally)?;
    guest::succeeded(&outcome)?;
    let tool = guest::tool(&spec.guest.programs)?;
    let failed = String::from_utf8_lossy(&outcome.stdout).trim().to_owned();
    for name in names {
        let begun = out.join(format!("{name}.err")).exists();
        if name == failed {
            let said = std::fs::read_to_string(out.join(format!("{name}.err"))).unwrap_or_default();
            tally.scenario(&name, Err(anyhow!("it failed, and those after it did not run: {said}")));
        } else if begun {
            check(tool, &out, &name, subject, &mut tally);
        }
    }
    ensure!(tally.scenarios > 0, "no scenario can be made on this kernel");
    Ok(tally)
}

/// The guest's command. Those of the driver run in its order: the last of them changes the kernel.
fn command(names: &[String]) -> String {
    let mut command = COMMAND.to_owned();
    for name in names {
        let line = MORE.iter().find(|(more, _)| more == name).map(|(_, line)| *line);
        let size = match name.as_str() {
            storm if storm.starts_with(STORMS) => STORM_SIZE,
            crowd if CROWDS.contains(&crowd) => CROWD_SIZE,
            _ => "",
        };
        // Writing to a string cannot fail.
        let _ = match line {
            Some(line) => writeln!(command, "{line}"),
            None => writeln!(command, "scenario {name} '' {name} {size}"),
        };
    }
    command
}

/// Checks what a scenario left.
fn check(tool: &Path, out: &Path, name: &str, subject: &Subject<'_>, tally: &mut Tally) {
    match name {
        CLIPPED => tally.scenario(name, clipped::check(tool, out).map(|()| 0)),
        STOCK_STORM => tally.scenario(name, storm::check(tool, out).map(|()| 0)),
        _ => {
            let compared = scenario(tool, out, name, subject.flavour.symbols);
            let origins = corpus::check(tool, out, name, &mut tally.lines);
            let result = match (compared, origins) {
                (Ok(calls), Ok(counts)) => {
                    tally.corpus.add(counts);
                    Ok(calls)
                }
                (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
                (Err(calls), Err(origins)) => Err(anyhow!("{calls:#}; {origins:#}")),
            };
            tally.scenario(name, result);
        }
    }
}

/// Compares a scenario's log with its recording, and the kernel's counts with both. Gives how many calls were compared.
fn scenario(tool: &Path, out: &Path, name: &str, symbols: bool) -> Result<usize> {
    let scenarios = oracle::read(&out.join(format!("{name}.jsonl")))?;
    let report = report(tool, &out.join(format!("{name}.kmt")))?;
    let mut failures = compare::sums(&report);
    let mut compared = 0;
    // With mounts there are modprobes, whose calls are not in the log.
    if scenarios.iter().any(|scenario| !scenario.mounts.is_empty()) {
        match requests::compare(&scenarios, &report) {
            Ok(mounts) => compared += mounts,
            Err(error) => failures.push(error),
        }
    } else {
        let (calls, wrong) = compare::scenarios(&scenarios, &report);
        compared += calls;
        failures.extend(wrong);
        failures.extend(bpftool::counts(out, name, &scenarios).err());
    }
    let stacks = name.ends_with(WITH_ALL) && symbols;
    failures.extend(have_stacks(&report, stacks).err());
    let texts: Vec<_> = failures.iter().map(|failure| format!("{failure:#}")).collect();
    ensure!(texts.is_empty(), "{}", texts.join("; "));
    ensure!(compared > 0, "the driver made no call");
    Ok(compared)
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
