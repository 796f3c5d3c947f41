//! `cargo xtask bench`: what tracing costs, as ratios within one boot, beside what was aimed at.
//!
//! Emulated processors on a shared host are noisy, so no absolute time means much: every block of work under a tracer
//! lies between two blocks without one and is compared with those, and how much two such neighbours differ from each
//! other is shown beside it.

mod answer;
mod figure;
mod guest;
mod inside;
mod replay;
mod view;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;
use guest_vm::{kernel, packages};

use crate::setup;
use figure::Report;

/// Measures what tracing costs: on loads, also with their module's functions drilled, to attach, in memory, in records lost; how fast
/// recordings are replayed; and what the live view takes.
///
/// bpftrace with the same probes is measured beside it, in the same boot, where this machine has it or can install it.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Kernel of the matrix to measure on [default: 6.1].
    #[arg(long, short, value_name = "KERNEL")]
    kernel: Option<String>,
    /// Virtual processors.
    #[arg(long, default_value_t = 2, value_name = "N", conflicts_with_all = ["view", "drill"])]
    smp: u32,
    /// Few samples: shows that everything runs, not what it costs.
    #[arg(long)]
    quick: bool,
    /// Only the live view, for which no guest is needed.
    #[arg(long, conflicts_with = "kernel")]
    view: bool,
    /// Only what drill costs a load.
    #[arg(long, conflicts_with = "view")]
    drill: bool,
    /// Every sample, as JSON, into a file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// Blocks under each tracer, each with an attachment of its own.
    rounds: u32,
    /// Blocks under each family of probes.
    family_rounds: u32,
    /// Loads and unloads in a block.
    cycles: u32,
    /// Loads of a module that is there, in a block.
    calls: u32,
    /// Requests of the kernel in a block.
    requests: u32,
    /// Storms in a row.
    storms: u32,
    /// Loads with some of the module's functions drilled.
    inside_rounds: u32,
    /// Loads with all of them drilled, which takes minutes each.
    all_rounds: u32,
    /// Records to replay: ten times less, and this many.
    records: u64,
}

const FULL: Size = Size {
    rounds: 12,
    family_rounds: 6,
    cycles: 10,
    calls: 100,
    requests: 10,
    storms: 5,
    inside_rounds: 8,
    all_rounds: 1,
    records: 10_000_000,
};
const QUICK: Size = Size {
    rounds: 2,
    family_rounds: 1,
    cycles: 3,
    calls: 20,
    requests: 3,
    storms: 1,
    inside_rounds: 2,
    all_rounds: 0,
    records: 100_000,
};

/// Runs it. An aim that is missed is no failure: it is printed.
pub(crate) fn main(args: &BenchArgs) -> Result<ExitCode> {
    setup::build_tools()?;
    let mut report = if args.view {
        Report::of("What the live view costs".to_owned())
    } else {
        in_guests(args)?
    };
    if !args.drill {
        view::measure(args.quick, &mut report)?;
    }
    report.print();
    if let Some(file) = &args.json {
        let json = serde_json::to_vec_pretty(&report)?;
        fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that has to do with a tracer.
fn in_guests(args: &BenchArgs) -> Result<Report> {
    let size = if args.quick { QUICK } else { FULL };
    let flavour = match &args.kernel {
        Some(name) => kernel::find(name)?,
        None => kernel::first(|flavour| flavour.everyday)?,
    };
    packages::ensure(packages::FOR_GUESTS)?;
    let kernel = kernel::ensure(flavour)?;
    if args.drill {
        let mut report = Report::of(format!("What drill costs on {}", kernel.release));
        inside::measure(kernel, size, &mut report)?;
        return Ok(report);
    }
    packages::ensure(packages::FOR_BENCHMARKS)?;
    let mut report = guest::measure(kernel.clone(), size, args.smp, flavour.detaches_at_once)?;
    inside::measure(kernel, size, &mut report)?;
    replay::measure(size, &mut report)?;
    Ok(report)
}
