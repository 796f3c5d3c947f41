//! `cargo xtask test`: everything that must hold before a change is done, on this machine and on real kernels.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use guest_tests::part::{self, Part};
use guest_vm::{kernel, packages};

use crate::setup;

/// Checks the tree: format, lints, tests of the crates, fuzzing, then scenarios on every kernel of the matrix.
///
/// Installs what it needs first. Several parts run at the same time, and one that fails does not keep the others from being tried.
/// The part `boot`, which boots a whole Debian system, only runs where it is named.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Leave out what needs a guest.
    #[arg(long, conflicts_with = "kernel")]
    no_vm: bool,
    /// Leave out what needs no guest.
    #[arg(long, conflicts_with = "no_vm")]
    no_host: bool,
    /// Only this kernel of the matrix; repeatable.
    #[arg(long, short, value_name = "KERNEL")]
    kernel: Vec<String>,
    /// Print the names of all parts and scenarios, and run nothing.
    #[arg(long)]
    list: bool,
    /// Only these: a part (`lints`, `6.1/drill`), all parts of a kernel (`6.1`), or one scenario of a part
    /// (`6.1/scenarios/going`).
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// Runs it.
pub(crate) fn main(args: &TestArgs) -> Result<ExitCode> {
    let parts = parts(args)?;
    if parts.is_empty() {
        bail!("nothing is left to run");
    }
    setup::build_tools()?;
    if args.list {
        return list(&parts);
    }
    packages::ensure(packages::FOR_TERMINALS)?;
    packages::ensure(packages::FOR_FUZZING)?;
    if parts.iter().any(Part::needs_guests) {
        packages::ensure(packages::FOR_GUESTS)?;
    }
    Ok(if guest_tests::run(parts) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the arguments leave of all parts.
fn parts(args: &TestArgs) -> Result<Vec<Part>> {
    let mut parts = part::all(&kernel::choose(&args.kernel)?);
    parts.retain(|part| {
        if part.needs_guests() {
            !args.no_vm
        } else {
            !args.no_host
        }
    });
    if args.names.is_empty() {
        parts.retain(|part| args.list || !part.on_demand);
        Ok(parts)
    } else {
        part::choose(parts, &args.names)
    }
}

fn list(parts: &[Part]) -> Result<ExitCode> {
    for part in parts {
        println!("{}", part.name);
        for scenario in part.scenarios()? {
            println!("{}/{scenario}", part.name);
        }
    }
    Ok(ExitCode::SUCCESS)
}
