//! What kmodtrace recorded of the driver's scenarios, compared with what the driver says it got.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use guest_vm::{artifacts, fixtures, kernel::Flavour, process, vm::VmSpec};

use crate::guest::{self, Tally};
use crate::recording::{Log, Recording, STORMS};
use crate::subject::Subject;
use crate::{clipped, flood, privileges, served, services, storm};

/// The beginning of the guest's command, which says what it does.
const COMMAND: &str = include_str!("scenarios.sh");

/// What the corpus needs besides stock modules: two of them that the kernel's command line refuses, and one that imports
/// from a namespace.
const REFUSALS: &str = "module_blacklist=isofs initcall_blacklist=brd_init";

/// Scenarios of the driver that are also recorded with every family of probes, and what they are called then.
const WITH_ALL: [(&str, &str); 2] = [("storm-with-all", "storm"), ("requests-with-all", REQUESTS)];
const EVERY_FAMILY: &str = "--with mutex,rcu,printk,stacks,devices";

/// The scenario in which the kernel loads modules too, of which the driver's log has nothing.
const REQUESTS: &str = "requests";

/// A scenario that is not of the driver alone.
struct Other {
    name: &'static str,
    /// What makes it in the guest.
    command: &'static str,
    /// Looks at what the guest left, with kmodtrace.
    check: fn(&Path, &Path) -> Result<()>,
}

const OTHERS: [Other; 6] = [
    Other {
        name: "clipped",
        command: clipped::COMMAND,
        check: clipped::check,
    },
    Other {
        name: "stock-storm",
        command: storm::COMMAND,
        check: storm::check,
    },
    Other {
        name: "flood",
        command: flood::COMMAND,
        check: flood::check,
    },
    Other {
        name: "privileges",
        command: privileges::COMMAND,
        check: privileges::check,
    },
    Other {
        name: "served",
        command: served::COMMAND,
        check: served::check,
    },
    Other {
        name: "services",
        command: services::COMMAND,
        check: services::check,
    },
];

/// What is made on every kernel: tasks that wait for each other and meet each state of a module, requests, and the corpus.
const HEART: [&str; 12] = [
    "same-file",
    "copies",
    "failing-init",
    "slow-init",
    "going",
    "killed-waiter",
    "unload-race",
    "requests-with-all",
    "flood",
    "privileges",
    "services",
    "corpus",
];

/// The names of all scenarios of a kernel but storms.
pub(crate) fn names(flavour: Flavour) -> Result<Vec<String>> {
    let drivers = of_the_driver()?.into_iter().filter(|name| !name.starts_with(STORMS));
    let mut names: Vec<String> = not_of_the_driver().map(str::to_owned).chain(drivers).collect();
    names.retain(|name| flavour.every_scenario || HEART.contains(&name.as_str()));
    Ok(names)
}

/// The names of scenarios that the driver does not know.
fn not_of_the_driver() -> impl Iterator<Item = &'static str> {
    let with_all = WITH_ALL.iter().map(|(name, _)| *name);
    with_all.chain(OTHERS.iter().map(|other| other.name))
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
    let mut list = process::command(artifacts::named(&programs, "load-driver")?, ["list", "all"]);
    Ok(process::text(&mut list)?.lines().map(str::to_owned).collect())
}

/// Runs every scenario but storms that this kernel is for.
pub(crate) fn run(subject: &Subject<'_>) -> Result<Tally> {
    all(subject, "", names(subject.flavour)?)
}

/// Runs the storms, in a guest of their own.
pub(crate) fn run_storms(subject: &Subject<'_>) -> Result<Tally> {
    all(subject, "-storms", storm_names()?)
}

/// The recordings in which these scenarios of the driver are made. Most are made in one: to begin and to end a recording takes longer
/// than they do. It is the last, because the last of its scenarios changes the kernel.
fn recordings(names: &[String]) -> Vec<Recording> {
    let wanted = |name: &&str| names.iter().any(|wanted| wanted == name);
    let mut recordings = Vec::new();
    for (name, scenario) in WITH_ALL.into_iter().filter(|(name, _)| wanted(name)) {
        recordings.push(Recording {
            name,
            families: EVERY_FAMILY,
            logs: vec![Log::of(name, scenario)],
        });
    }
    let drivers = names
        .iter()
        .filter(|name| not_of_the_driver().all(|other| other != *name));
    let (alone, together): (Vec<_>, Vec<_>) = drivers
        .map(|name| Log::of(name, name))
        .partition(|log| log.name == REQUESTS);
    for (name, logs) in [(REQUESTS, alone), ("together", together)] {
        if !logs.is_empty() {
            recordings.push(Recording {
                name,
                families: "",
                logs,
            });
        }
    }
    recordings
}

/// Runs these, as far as they are wanted, in one guest. An error is a guest that gave no result at all.
fn all(subject: &Subject<'_>, suffix: &str, mut names: Vec<String>) -> Result<Tally> {
    names.retain(|name| subject.wants(name));
    let others = OTHERS
        .iter()
        .filter(|other| names.iter().any(|name| name == other.name));
    let recordings = recordings(&names);
    let kernel = &subject.kernel;
    let out = artifacts::target_dir()?
        .join("guests")
        .join(format!("{}{suffix}", kernel.name));
    let others_first = others.clone().map(|other| other.command.to_owned());
    let lines: String = others_first.chain(recordings.iter().map(Recording::command)).collect();
    let mut spec = VmSpec::new(kernel.clone(), format!("{COMMAND}{lines}"));
    spec.guest.programs = artifacts::guest_programs()?;
    REFUSALS.clone_into(&mut spec.append);
    if subject.flavour.fixtures {
        fixtures::stage(&mut spec)?;
    }
    spec.timeout = Duration::from_mins(30);
    spec.out_dir = Some(out.clone());
    let mut tally = Tally::default();
    let outcome = guest::run(&spec, &mut tally)?;
    outcome.succeeded()?;
    let tool = artifacts::named(&spec.guest.programs, "kmodtrace")?;
    let failed = String::from_utf8_lossy(&outcome.stdout).trim().to_owned();
    if !failed.is_empty() {
        let said = fs::read_to_string(out.join(format!("{failed}.err"))).unwrap_or_default();
        tally.scenario(
            &failed,
            Err(anyhow!("it failed, and those after it did not run: {said}")),
        );
    }
    for Other { name, check, .. } in others.filter(|other| other.name != failed) {
        // None is made behind one that failed.
        if out.join(format!("{name}.err")).exists() {
            tally.scenario(name, check(tool, &out).map(|()| 0));
        }
    }
    let symbols = subject.flavour.symbols;
    for recording in recordings.iter().filter(|recording| recording.name != failed) {
        recording.check(tool, &out, symbols, &mut tally);
    }
    ensure!(tally.scenarios > 0, "no scenario can be made on this kernel");
    Ok(tally)
}
