//! What kmodtrace recorded of the driver's scenarios, compared with what the driver says it got.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::guest::{self, Tally};
use super::observed::Report;
use super::vm_tests::report;
use super::{bpftool, clipped, compare, corpus, oracle, requests, storm};
use crate::{artifacts, fixtures, kernel::Kernel, vm::VmSpec};

/// The guest's command, which says what it does.
const COMMAND: &str = include_str!("scenarios.sh");

/// What the corpus needs besides stock modules: two of them that the kernel's command line refuses, and one that imports
/// from a namespace.
const REFUSALS: &str = "module_blacklist=isofs initcall_blacklist=brd_init";

/// Recordings of this name are of every family of probes.
const WITH_ALL: &str = "-with-all";

/// The kernel that cannot resolve the symbols of a stack: `bpf_snprintf` came with 5.13.
const WITHOUT_SYMBOLS: &str = "5.10";

/// Runs every scenario on this kernel. An error is a guest that gave no result at all.
pub(crate) fn run(kernel: &Kernel) -> Result<Tally> {
    let out = artifacts::target_dir()?.join("guests").join(&kernel.name);
    let mut spec = VmSpec::new(kernel.clone(), COMMAND);
    spec.guest.programs = artifacts::guest_programs()?;
    REFUSALS.clone_into(&mut spec.append);
    if kernel.name == fixtures::KERNEL {
        fixtures::stage(&mut spec)?;
    }
    // More processors than tasks that run at once: those that share one are who makes a preemptible kernel skip programs.
    spec.smp = 8;
    spec.timeout = Duration::from_mins(10);
    spec.out_dir = Some(out.clone());
    let mut tally = Tally::default();
    let outcome = guest::run(&spec, &mut tally)?;
    guest::succeeded(&outcome)?;
    tally.again = String::from_utf8_lossy(&outcome.stdout).lines().count();
    let tool = guest::tool(&spec.guest.programs)?;
    tally.scenario("stock-storm", storm::check(tool, &out).map(|()| 0));
    tally.scenario("clipped", clipped::check(tool, &out).map(|()| 0));
    let names = scenario_names(&out)?;
    ensure!(!names.is_empty(), "the driver ran no scenario");
    println!("{}", corpus::HEAD);
    for name in names {
        tally.scenario(&name, scenario(tool, &out, &name, kernel));
        match corpus::check(tool, &out, &name) {
            Ok(counts) => {
                tally.corpus.exact += counts.exact;
                tally.corpus.gaps += counts.gaps;
            }
            Err(error) => tally.failures.push(error.context(name)),
        }
    }
    Ok(tally)
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
fn scenario(tool: &Path, out: &Path, name: &str, kernel: &Kernel) -> Result<usize> {
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
        failures.extend(bpftool::counts(&out.join(format!("{name}.programs")), &scenarios).err());
    }
    let stacks = name.ends_with(WITH_ALL) && kernel.name != WITHOUT_SYMBOLS;
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
