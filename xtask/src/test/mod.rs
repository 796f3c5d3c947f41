//! `cargo xtask test`: everything that must hold before a change is done, on this machine and on real kernels.

mod bad_input;
mod bisect;
mod bisect_guests;
mod bpftool;
mod clipped;
mod compare;
mod corpus;
mod drill;
mod guest;
mod observed;
mod oracle;
mod requests;
mod scenarios;
mod selftest;
mod storm;
mod terminal;
mod vm_tests;

use std::{
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Error, Result};
use clap::Args;
use corpus::Counts;

use crate::{
    kernel::{self, Kernel},
    paths, process, setup,
};
use guest::Tally;

/// Checks the tree: format, lints, tests of the crates, then scenarios on every kernel of the matrix.
///
/// Installs what it needs first. A kernel that fails does not keep the others from being tried.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Leave the kernels out.
    #[arg(long, conflicts_with = "kernel")]
    no_vm: bool,
    /// Leave out what needs no kernel.
    #[arg(long, conflicts_with = "no_vm")]
    no_host: bool,
    /// Only this kernel of the matrix; repeatable.
    #[arg(long, short, value_name = "KERNEL")]
    kernel: Vec<String>,
}

/// Checks that run here, each a cargo command. The BPF crate is compiled, with its own compiler, by kmodtrace's build script.
const HOST_CHECKS: &[(&str, &[&str])] = &[
    ("format", &["fmt", "--all", "--check"]),
    (
        "lints",
        &[
            "clippy",
            "--workspace",
            "--exclude",
            "kmodtrace-ebpf",
            "--all-targets",
            "--keep-going",
            "--",
            "--deny",
            "warnings",
        ],
    ),
    ("tests", &["test", "--quiet", "--no-fail-fast"]),
];

/// The kernel on whose console the view is tried.
const CONSOLE: &str = "6.1";

/// Runs it. The last line says how many checks and scenarios passed and failed.
pub(crate) fn main(args: &TestArgs) -> Result<ExitCode> {
    let flavours = if args.no_vm {
        Vec::new()
    } else {
        kernel::choose(&args.kernel)?
    };
    setup::build_tools()?;
    setup::terminal_tools()?;
    if !flavours.is_empty() {
        setup::guest_tools()?;
    }
    let mut summary = Summary::default();
    for (name, arguments) in HOST_CHECKS.iter().filter(|_| !args.no_host) {
        let start = Instant::now();
        eprintln!("xtask: {name}");
        summary.check(name, host_check(arguments), start);
    }
    if !args.no_host {
        summary.terminal("terminal", terminal::run);
    }
    if flavours.contains(&kernel::find(CONSOLE)?) {
        summary.terminal("console", terminal::in_guests);
        summary.terminal("bisect guests", bisect_guests::run);
        summary.terminal("bisect", bisect::run);
    }
    for flavour in flavours {
        let start = Instant::now();
        match kernel::ensure(flavour) {
            Ok(kernel) => summary.kernel(&kernel, vm_tests::run(&kernel), start),
            Err(error) => summary.fail(&format!("kernel {}", flavour.name), &error),
        }
    }
    summary.print();
    Ok(if summary.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn host_check(arguments: &[&str]) -> Result<()> {
    process::watched(
        Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(paths::workspace()),
    )
}

/// What was checked and how it went, one line each; failures last, where they are seen.
#[derive(Debug, Default)]
struct Summary {
    lines: Vec<String>,
    failures: Vec<String>,
    passed: usize,
    failed: usize,
}

impl Summary {
    fn check(&mut self, name: &str, result: Result<()>, start: Instant) {
        let seconds = start.elapsed().as_secs();
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => self.fail(name, &error),
        }
        self.lines.push(format!("{name}: {seconds} s"));
    }

    fn terminal(&mut self, name: &str, check: fn() -> Result<Tally>) {
        let start = Instant::now();
        eprintln!("xtask: {name}");
        let Tally {
            scenarios, failures, ..
        } = match check() {
            Ok(tally) => tally,
            Err(error) => return self.fail(name, &error),
        };
        let (failed, seconds) = (failures.len(), start.elapsed().as_secs());
        self.passed += scenarios - failed.min(scenarios);
        self.lines
            .push(format!("{name}: {scenarios} scenarios, {failed} failed, {seconds} s"));
        for failure in &failures {
            self.fail(name, failure);
        }
    }

    fn kernel(&mut self, kernel: &Kernel, tally: Tally, start: Instant) {
        let (name, release, seconds) = (&kernel.name, &kernel.release, start.elapsed().as_secs());
        let Tally {
            scenarios,
            calls,
            corpus: Counts { exact, gaps },
            again,
            died,
            failures,
        } = tally;
        let failed = failures.len();
        self.passed += scenarios - failed.min(scenarios);
        let died = match died {
            0 => String::new(),
            some => format!(", {some} guests gave no result at first"),
        };
        self.lines.push(format!(
            "kernel {name} ({release}): {scenarios} scenarios ({again} run again, because the kernel skipped a probe), {calls} calls compared, {failed} failed, {seconds} s{died}"
        ));
        self.lines.push(format!(
            "kernel {name}: where errnos came from: {exact} exact, {gaps} gaps"
        ));
        for failure in &failures {
            self.fail(&format!("kernel {name}"), failure);
        }
    }

    fn fail(&mut self, what: &str, error: &Error) {
        self.failed += 1;
        self.failures.push(format!("{what}: {error:#}"));
    }

    fn print(&self) {
        for line in self.lines.iter().chain(&self.failures) {
            println!("{line}");
        }
        println!("{} passed, {} failed", self.passed, self.failed);
    }
}
