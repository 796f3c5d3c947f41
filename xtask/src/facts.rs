//! `cargo xtask facts`: what a kernel has, as the tests of the plan read it.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;
use guest_vm::{
    artifacts, kernel, packages,
    vm::{self, VmSpec},
};

use crate::setup;

/// Writes the output of `kmodtrace check --json` on a kernel: kmodtrace-core/tests/facts has such files.
#[derive(Debug, Args)]
pub(crate) struct FactsArgs {
    /// Kernel of the matrix.
    #[arg(long, short)]
    kernel: String,
    /// Write to this file, and not to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs it.
pub(crate) fn main(args: &FactsArgs) -> Result<ExitCode> {
    setup::build_tools()?;
    packages::ensure(packages::FOR_GUESTS)?;
    let mut spec = VmSpec::new(kernel::ensure(kernel::find(&args.kernel)?)?, "kmodtrace check --json");
    spec.guest.programs = vec![artifacts::static_kmodtrace()?];
    let outcome = vm::run(&spec, &mut |_, _| Ok(()))?;
    outcome.succeeded()?;
    let facts = String::from_utf8(outcome.stdout).context("the facts are not text")?;
    match &args.output {
        Some(file) => fs::write(file, facts).with_context(|| format!("cannot write {}", file.display()))?,
        None => print!("{facts}"),
    }
    Ok(ExitCode::SUCCESS)
}
