//! `cargo xtask kernel`: kernels that no suite has.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use guest_vm::kernel::build::{self, BuildSpec, Fix};

/// Makes kernels to boot with `cargo xtask vm`.
#[derive(Debug, Args)]
pub(crate) struct KernelArgs {
    #[command(subcommand)]
    task: KernelTask,
}

#[derive(Debug, Subcommand)]
enum KernelTask {
    Build(BuildArgs),
}

/// Builds a kernel from Debian's source, to boot with `cargo xtask vm`.
///
/// It is small (see tests/guest-vm/src/kernel/build/kernel.config) and kept in the cache: seven minutes on two processors the first
/// time, half a minute or so for every other one of the same source, nothing for one that is there already. It prints the image,
/// the module tree and how to boot them.
#[derive(Debug, Args)]
struct BuildArgs {
    /// Series whose source Debian has, of the kernels of the matrix. Only 6.1 is known to build.
    #[arg(long, value_name = "SERIES")]
    source: String,
    /// Take a fix out of it.
    #[arg(long, value_enum, value_name = "FIX")]
    revert: Option<Revert>,
    /// Apply a patch to it, whose paths are as in `diff -u a/kernel/... b/kernel/...`.
    #[arg(long, value_name = "FILE", conflicts_with = "revert")]
    patch: Option<PathBuf>,
    /// What to call it, also in its release [default: plain, before, or the patch's name].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// The fixes, as users name them.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Revert {
    /// Commit 0254127ab977, "module: Don't wait for GOING modules", of 6.2-rc6 and 6.1.9: without it, who finds a module that
    /// is not LIVE waits until it is gone or LIVE, also where it is GOING, and then loads it again, as in 5.3 to 6.1.8.
    #[value(alias = "0254127ab977")]
    DontWaitForGoing,
}

/// Runs it.
pub(crate) fn main(args: &KernelArgs) -> Result<ExitCode> {
    let KernelTask::Build(args) = &args.task;
    let kernel = build::ensure(&BuildSpec {
        series: args.source.clone(),
        revert: args.revert.map(|Revert::DontWaitForGoing| Fix::DontWaitForGoing),
        patch: args.patch.clone(),
        name: args.name.clone(),
    })?;
    let (image, modules) = (kernel.image.display(), kernel.modules.display());
    println!("image:   {image}\nmodules: {modules}");
    println!("cargo xtask vm --kernel-image {image} --modules-dir {modules} -- uname -r");
    Ok(ExitCode::SUCCESS)
}
