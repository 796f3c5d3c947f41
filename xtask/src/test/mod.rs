//! `cargo xtask test`: everything that must hold before a change is done, on this machine and on real kernels.

mod bad_input;
mod bpftool;
mod clipped;
mod compare;
mod observed;
mod oracle;
mod storm;
mod vm_tests;

use std::{
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Error, Result};
use clap::Args;

use crate::{
    kernel::{self, Flavour, Kernel},
    paths, process, setup,
};
use vm_tests::Tally;

/// Checks the tree: format, lints, tests of the crates, then scenarios on every kernel of the matrix.
///
/// Installs what it needs first. A kernel that fails does not keep the others from being tried.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Leave the kernels out.
    #[arg(long, conflicts_with = "kernel")]
    no_vm: bool,
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

/// Runs it. The last line says how many checks and scenarios passed and failed.
pub(crate) fn main(args: &TestArgs) -> Result<ExitCode> {
    let flavours = if args.no_vm {
        Vec::new()
    } else {
        kernel::choose(&args.kernel)?
    };
    setup::build_tools()?;
    if !flavours.is_empty() {
        setup::guest_tools()?;
    }
    let mut summary = Summary::default();
    for (name, arguments) in HOST_CHECKS {
        let start = Instant::now();
        eprintln!("xtask: {name}");
        summary.check(name, host_check(arguments), start);
    }
    for flavour in flavours {
        let start = Instant::now();
        summary.kernel(
            flavour,
            kernel::ensure(flavour).and_then(|kernel| scenarios(&kernel)),
            start,
        );
    }
    summary.print();
    Ok(if summary.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs the scenarios of a kernel; a second time if a guest gave no result, since emulation fails for reasons of its own
/// now and then. That it did is said: a kernel that dies twice has failed.
fn scenarios(kernel: &Kernel) -> Result<Tally> {
    vm_tests::run(kernel).or_else(|error| {
        eprintln!("xtask: kernel {} gave no result, once more: {error:#}", kernel.name);
        let tally = vm_tests::run(kernel)?;
        Ok(Tally { died: true, ..tally })
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

    fn kernel(&mut self, flavour: Flavour, result: Result<Tally>, start: Instant) {
        let (name, seconds) = (flavour.name, start.elapsed().as_secs());
        match result {
            Ok(tally) => {
                let Tally {
                    release,
                    scenarios,
                    attempts,
                    again,
                    died,
                    failures,
                } = tally;
                let died = if died { ", the first guest gave no result" } else { "" };
                self.passed += scenarios - failures.len().min(scenarios);
                let failed = failures.len();
                self.lines.push(format!(
                    "kernel {name} ({release}): {scenarios} scenarios ({again} run again, because the kernel skipped a probe), {attempts} attempts compared, {failed} failed, {seconds} s{died}"
                ));
                for failure in &failures {
                    self.fail(&format!("kernel {name}"), failure);
                }
            }
            Err(error) => {
                self.lines.push(format!("kernel {name}: no result, {seconds} s"));
                self.fail(&format!("kernel {name}"), &error);
            }
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
