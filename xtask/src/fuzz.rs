//! `cargo xtask fuzz`: looks for inputs that something reads wrong.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use fuzz::TARGETS;
use guest_tests::fuzzing::{Extent, Fuzzer, choose};
use guest_vm::packages;

/// Runs targets of tests/fuzz under libFuzzer, from seeds and from what earlier runs found, and says what each came to.
///
/// A target ends with the first input that something is wrong with, which is kept in target/fuzzing; then this ends with 1.
#[derive(Debug, Args)]
pub(crate) struct FuzzArgs {
    /// Which target, or all of them, one after the other.
    #[arg(required_unless_present = "list")]
    target: Option<String>,
    /// How long each runs.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    time: u32,
    /// Print the names of all targets, and run nothing.
    #[arg(long, conflicts_with_all = ["target", "time"])]
    list: bool,
}

/// Runs it.
pub(crate) fn main(args: &FuzzArgs) -> Result<ExitCode> {
    if args.list {
        for target in TARGETS {
            println!("{}", target.name);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let targets = choose(args.target.as_deref().context("no target")?)?;
    packages::ensure(packages::FOR_FUZZING)?;
    let program = Fuzzer::build()?;
    let mut findings = 0;
    for target in targets {
        let fuzzed = program.run(target, Extent::Seconds(args.time))?;
        if let Some(finding) = &fuzzed.finding {
            eprintln!("{finding}");
            findings += 1;
        }
        println!("{fuzzed}");
    }
    Ok(if findings == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
