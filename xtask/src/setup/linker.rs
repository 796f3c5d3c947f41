//! Builds bpf-linker against an LLVM that the distribution has, new enough for the compiler's bitcode.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use guest_vm::{packages::Apt, process};
use kmodtrace_bpf_toolchain::{LINKER_VERSION, linker_root};

/// The LLVM versions that this release of the linker builds with.
const KNOWN: std::ops::RangeInclusive<u32> = 21..=23;

/// Builds a linker for bitcode of `llvm`.
pub(crate) fn build(llvm: u32) -> Result<()> {
    let (llvm, prefix) = library(llvm)?;
    let root = linker_root(llvm).context("neither KMODTRACE_CACHE, XDG_CACHE_HOME nor HOME is set")?;
    eprintln!(
        "xtask: building bpf-linker {LINKER_VERSION} with LLVM {llvm} into {}",
        root.display()
    );
    let feature = format!("llvm-{llvm}");
    let mut cargo = process::command(
        env!("CARGO"),
        ["install", "--quiet", "bpf-linker", "--version", LINKER_VERSION],
    );
    cargo
        .args(["--locked", "--no-default-features", "--features", &feature, "--root"])
        .arg(&root);
    cargo
        .env("LLVM_PREFIX", prefix)
        .env_remove("CARGO_TARGET_DIR")
        .current_dir("/");
    process::watched(&mut cargo)
}

/// An LLVM of at least this version with headers and libraries, installed if need be; and where it is.
fn library(llvm: u32) -> Result<(u32, PathBuf)> {
    let usable = || KNOWN.filter(|known| *known >= llvm);
    let prefix = |llvm: u32| PathBuf::from(format!("/usr/lib/llvm-{llvm}"));
    let is_there = |prefix: &Path| prefix.join("bin/llvm-config").exists() && prefix.join("lib/libPolly.a").exists();
    if let Some(found) = usable().find(|llvm| is_there(&prefix(*llvm))) {
        return Ok((found, prefix(found)));
    }
    let Some(apt) = Apt::find() else {
        bail!("bpf-linker needs LLVM {llvm} or newer with its headers, and this machine has no apt-get to install one");
    };
    for llvm in usable() {
        let packages = [format!("llvm-{llvm}-dev"), format!("libpolly-{llvm}-dev")];
        if apt.candidate(&packages[0])?.is_some() {
            apt.install(&packages)?;
            return Ok((llvm, prefix(llvm)));
        }
    }
    bail!("no package has an LLVM that is {llvm} or newer and that bpf-linker {LINKER_VERSION} knows ({KNOWN:?})")
}
