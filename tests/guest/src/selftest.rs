//! The failure of the kernel's own test of module loading: `kmodtrace why` says where it comes from, in every way to bring it
//! about.
//!
//! The oracle is the last line of tests/selftest/seed.sh: what the kernel's test got, and how many of its threads got no file
//! system, by the kernel's log.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use guest_vm::{artifacts, fixtures, vm::VmSpec};
use serde::Deserialize;

use crate::compare;
use crate::guest::{self, Tally};
use crate::observed::{Request, Why, report, told};
use crate::subject::Subject;

/// The guest's command, which says what it does.
const COMMAND: &str = include_str!("selftest.sh");

/// A way to run the test, and what `why` must find.
#[derive(Debug)]
struct Way {
    /// Of its files.
    name: &'static str,
    /// The cause of the failed requests, and how they end; none where nothing fails.
    cause: Option<(&'static str, &'static str)>,
    /// What the chain behind them says; no field does.
    root: &'static [&'static str],
    /// Modules and names that a deadlock is made of; none where there is none.
    deadlock: &'static [&'static str],
}

const WAYS: &[Way] = &[
    Way {
        name: "undisturbed",
        cause: None,
        root: &[],
        deadlock: &[],
    },
    Way {
        name: "slow-modprobe",
        cause: Some(("no-slot", "ETIME")),
        root: &["for one of 50 slots and gave up"],
        deadlock: &[],
    },
    Way {
        name: "failing-init",
        cause: Some(("modprobe-failed", "exit 1")),
        root: &["kt_fs_init [kt_fs] returned ENODEV"],
        deadlock: &[],
    },
    Way {
        name: "nested",
        cause: Some(("modprobe-failed", "exit 1")),
        root: &[
            "kt_dep_init [kt_dep] returned ENOENT",
            "for kt_init failed: no slot (ETIME)",
            "for one of 50 slots and gave up",
        ],
        deadlock: &["kt_dep", "kt_init"],
    },
    Way {
        name: "nested-49",
        cause: None,
        root: &[],
        deadlock: &[],
    },
    Way {
        name: "no-modprobe",
        cause: Some(("helper-not-started", "exit 127")),
        root: &[],
        deadlock: &[],
    },
];

/// Runs every way on this kernel, for which there must be fixtures, with a line for each.
pub(crate) fn run(subject: &Subject<'_>) -> Result<Tally> {
    let kernel = &subject.kernel;
    let out = artifacts::target_dir()?
        .join("guests")
        .join(format!("{}-selftest", kernel.name));
    let mut spec = VmSpec::new(kernel.clone(), COMMAND);
    spec.guest.programs = artifacts::guest_programs()?;
    fixtures::stage(&mut spec)?;
    fixtures::MEMORY.clone_into(&mut spec.memory);
    spec.timeout = Duration::from_mins(30);
    spec.out_dir = Some(out.clone());
    let mut tally = Tally::default();
    let outcome = guest::run(&spec, &mut tally)?;
    outcome.succeeded()?;
    let tool = artifacts::named(&spec.guest.programs, "kmodtrace")?;
    for way in WAYS {
        let checked = way.check(tool, &out).map(|sentence| {
            tally.lines.push(format!("{} | {sentence}", way.name));
            0
        });
        tally.scenario(way.name, checked);
    }
    Ok(tally)
}

/// What the kernel's test got, all of its runs together.
#[derive(Debug, Default)]
struct Said {
    runs: usize,
    /// Threads that got no file system.
    without_fs: u64,
    /// Whether a run got what it should.
    as_expected: bool,
}

impl Said {
    /// Reads the lines that are for programs.
    fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("there is no {}", path.display()))?;
        let mut said = Self {
            as_expected: true,
            ..Self::default()
        };
        for line in text
            .lines()
            .filter(|line| line.starts_with("seed: ") && line.contains(" result="))
        {
            let value = |key: &str| {
                let mut words = line.split(' ').filter_map(|word| word.split_once('='));
                let value = words.find(|(found, _)| *found == key).map(|(_, value)| value);
                value.with_context(|| format!("no {key} in {line}"))
            };
            said.runs += 1;
            said.as_expected &= value("result")? == value("expected")?;
            said.without_fs += value("without_fs")?.parse::<u64>()?;
        }
        ensure!(said.runs > 0, "the test did not run: {text}");
        Ok(said)
    }
}

/// What is read of `kmodtrace graph --format json`.
#[derive(Debug, Deserialize)]
struct Graph {
    cycles: Vec<Cycle>,
}

#[derive(Debug, Deserialize)]
struct Cycle {
    way: Vec<Waiter>,
}

/// One that waits for the next.
#[derive(Debug, Deserialize)]
struct Waiter {
    /// The module that it loads, or what it requests.
    name: Option<String>,
}

impl Way {
    /// Compares what was recorded with what the test got. Gives the sentence that answers where its errno is from.
    fn check(&self, tool: &Path, out: &Path) -> Result<String> {
        let said = Said::read(&out.join(format!("{}.txt", self.name)))?;
        ensure!(
            said.as_expected,
            "the kernel's test did not get what it should: {said:?}"
        );
        let recording = out.join(format!("{}.kmt", self.name));
        let report = report(tool, &recording)?;
        compare::whole(&report)?;
        let null = |request: &&Request| request.caller.as_ref().is_some_and(|caller| !caller.found);
        let nulls = report.requests.iter().filter(null).count() as u64;
        ensure!(
            nulls == said.without_fs,
            "{} threads got no file system, get_fs_type was seen to give NULL {nulls} times",
            said.without_fs
        );
        // No function of the loader makes the errno that the test gets.
        let why: Why = told(tool, &["why", "--errno", "EINVAL"], &recording)?;
        ensure!(why.causes.is_empty(), "EINVAL is not the loader's: {why:?}");
        self.deadlocks(&told(tool, &["graph"], &recording)?)?;
        self.reason(&why, &said)
    }

    fn deadlocks(&self, graph: &Graph) -> Result<()> {
        let forced = usize::from(!self.deadlock.is_empty());
        let cycles = &graph.cycles;
        ensure!(cycles.len() == forced, "{forced} deadlocks, seen {cycles:?}");
        for cycle in cycles {
            let has = |name: &&str| cycle.way.iter().any(|waiter| waiter.name.as_deref() == Some(name));
            let named = self.deadlock.iter().all(has);
            ensure!(named, "a deadlock of {:?}, seen {cycle:?}", self.deadlock);
        }
        Ok(())
    }

    /// The named cause, how often, and what is behind it.
    fn reason(&self, why: &Why, said: &Said) -> Result<String> {
        // A machine too slow for fifty modprobes within five seconds is told by the test, and by `why` as well.
        let too_slow = Some(("no-slot", "ETIME")).filter(|_| said.without_fs > 0);
        let Some((cause, outcome)) = self.cause.or(too_slow) else {
            ensure!(
                why.failed_requests == 0 && why.dropped.is_empty() && why.causes.is_empty(),
                "nothing failed: {why:?}"
            );
            return Ok(why.summary.join("; "));
        };
        let count: u64 = why.dropped.iter().map(|reason| reason.count).sum();
        ensure!(
            count == said.without_fs,
            "{} threads got no file system, why knows of {count}: {why:?}",
            said.without_fs
        );
        for reason in &why.dropped {
            let right = reason.causes == [cause] && reason.outcome == outcome;
            ensure!(
                right && reason.name.as_deref().is_some_and(|name| name.starts_with("fs-")),
                "{cause} ({outcome}), and why says {reason:?}"
            );
        }
        let first = why.dropped.first().context("why names no cause")?;
        for sentence in self.root {
            let is_told = first.sentences.iter().any(|told| told.contains(sentence));
            ensure!(is_told, "why does not say \"{sentence}\": {first:?}");
        }
        let root = self
            .root
            .last()
            .and_then(|root| first.sentences.iter().find(|told| told.contains(root)));
        let root = root.or(first.sentences.first());
        Ok(format!("{}; {}", first.headline, root.map_or("", String::as_str)))
    }
}
