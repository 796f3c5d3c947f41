//! `cargo xtask setup`: what this machine needs to build kmodtrace and to run guests. Run again, it does nothing.

mod linker;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use guest_vm::{
    fixtures,
    kernel::{self, Flavour, MATRIX},
    packages::{self, Apt},
    process,
};
use kmodtrace_bpf_toolchain::Missing;

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
        packages::ensure(packages::FOR_GUESTS)?;
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
