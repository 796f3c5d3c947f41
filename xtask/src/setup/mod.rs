//! `cargo xtask setup`: what this machine needs to build kmodtrace and to run guests. Run again, it does nothing.

mod linker;
mod packages;
mod virtme;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use kmodtrace_bpf_toolchain::Missing;

use crate::{
    fixtures,
    kernel::{self, Flavour, MATRIX},
    process,
};
use packages::Apt;

/// The target kmodtrace's programs are compiled for on the machines that xtask runs on.
const BPF_TARGET: &str = "bpfel-unknown-none";

/// The oldest compiler that builds this workspace.
const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Installs what is missing: compilers, QEMU, kernels.
///
/// Packages come through apt, as root, on Debian and Ubuntu; elsewhere their names are printed. Says what it installs
/// before it does, and nothing when nothing is missing. Kernels go into the cache directory, not into the system.
#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    /// Only this kernel of the matrix; repeatable.
    #[arg(long, short, value_name = "KERNEL")]
    kernel: Vec<String>,
    /// No kernels: enough to build, not to run guests.
    #[arg(long, conflicts_with = "kernel")]
    no_kernels: bool,
    /// Fetch the newest kernel of each suite, even where one is there.
    #[arg(long)]
    refresh: bool,
}

/// Runs it.
pub(crate) fn main(args: &SetupArgs) -> Result<ExitCode> {
    let flavours = if args.no_kernels {
        Vec::new()
    } else {
        kernel::choose(&args.kernel)?
    };
    build_tools()?;
    if !flavours.is_empty() {
        guest_tools()?;
    }
    if args.refresh {
        each(&flavours, kernel::refresh)?;
    }
    each(&flavours, |flavour| kernel::ensure(flavour).map(drop))?;
    if flavours.contains(&fixtures::flavour()?) {
        fixtures::prepare()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that kmodtrace builds here.
pub(crate) fn build_tools() -> Result<()> {
    packages::ensure(packages::FOR_BUILDING)?;
    let find = || kmodtrace_bpf_toolchain::find(BPF_TARGET, OLDEST_RUST);
    let Err(mut missing) = find() else { return Ok(()) };
    if missing.compiler.is_none() {
        install_compiler(&missing)?;
        let Err(still) = find() else { return Ok(()) };
        missing = still;
    }
    let Some(compiler) = &missing.compiler else {
        bail!("{missing}")
    };
    linker::build(compiler.llvm)?;
    match find() {
        Ok(toolchain) => eprintln!("xtask: BPF programs are compiled with {toolchain}"),
        Err(missing) => bail!("{missing}"),
    }
    Ok(())
}

/// Makes sure that guests run here.
pub(crate) fn guest_tools() -> Result<()> {
    packages::ensure(packages::FOR_GUESTS)
}

/// Makes sure that modules for guests build here.
pub(crate) fn fixture_tools() -> Result<()> {
    packages::ensure(packages::FOR_FIXTURES)
}

/// Makes sure that there is a terminal to try programs on.
pub(crate) fn terminal_tools() -> Result<()> {
    packages::ensure(packages::FOR_TERMINALS)
}

/// Makes sure that kernels build here.
pub(crate) fn kernel_tools() -> Result<()> {
    packages::ensure(packages::FOR_KERNELS)
}

/// Makes sure that there is git.
pub(crate) fn bisect_tools() -> Result<()> {
    packages::ensure(packages::FOR_BISECTING)
}

/// Makes sure that virtme-ng boots guests here, and says where it is.
pub(crate) fn virtme_tools() -> Result<PathBuf> {
    guest_tools()?;
    virtme::ensure()
}

/// Gets what kmodtrace is measured against, if it is to be had.
pub(crate) fn bench_tools() -> Result<()> {
    packages::ensure(packages::FOR_BENCHMARKS)
}

/// Installs a compiler with `core` for BPF: the distribution's if it has one, or rustup's nightly with sources.
fn install_compiler(missing: &Missing) -> Result<()> {
    if let Some(apt) = Apt::find()
        && let Some(names) = packages::compiler(&apt, OLDEST_RUST)?
    {
        return apt.install(&names);
    }
    eprintln!("xtask: no package has a Rust compiler for BPF; asking rustup for a nightly with its sources");
    let arguments = [
        "toolchain",
        "install",
        "nightly",
        "--profile",
        "minimal",
        "--component",
        "rust-src",
    ];
    let asked = process::watched(&mut process::command("rustup", arguments));
    asked.with_context(|| missing.to_string())
}

/// Does something for every kernel, and reports all failures together.
fn each(flavours: &[Flavour], action: impl Fn(Flavour) -> Result<()>) -> Result<()> {
    let failed: Vec<_> = flavours.iter().filter_map(|flavour| action(*flavour).err()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let all: Vec<_> = failed.iter().map(|error| format!("{error:#}")).collect();
    bail!(
        "{} of {} kernels are not there:\n{}",
        failed.len(),
        flavours.len().min(MATRIX.len()),
        all.join("\n")
    )
}
