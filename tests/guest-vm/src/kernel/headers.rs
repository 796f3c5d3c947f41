//! What modules for a kernel of the matrix are built with: Debian's headers of the very release, unpacked, not installed.
//!
//! They lie beside the cached kernel, and go with it when a newer one takes its place.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{Flavour, Kernel, apt::Apt, fetch, source};
use crate::paths::Scratch;

/// How the names of packages start that hold headers and the programs of the kernel's build.
const PARTS: &[&str] = &["linux-headers-", "linux-kbuild-"];

/// Where the packages put headers.
const PLACE: &str = "usr/src";

/// A kernel, and what modules for it are made of and with.
#[derive(Debug)]
pub(crate) struct BuildKit {
    pub(crate) kernel: Kernel,
    /// Where `make -C` builds modules for it.
    pub(crate) headers: PathBuf,
    /// The kernel's own test of module loading: `test_kmod.c`, `test_module.c`, `kmod.sh` and `config`.
    pub(crate) selftest: PathBuf,
    /// Where the cache keeps this kernel and what belongs to it.
    pub(crate) home: PathBuf,
}

/// The kit of a kernel, from the cache or else fetched into it.
pub(crate) fn build_kit(flavour: Flavour) -> Result<BuildKit> {
    let home = fetch::home(flavour)?;
    let mut kernel = fetch::ensure(flavour)?;
    if !["headers", "selftest"].iter().all(|part| home.join(part).exists()) {
        kernel = fetch_parts(flavour, kernel, &home)
            .with_context(|| format!("cannot fetch what modules for {} are built with", flavour.name))?;
    }
    Ok(BuildKit {
        headers: home.join("headers").join(PLACE).join(package(&kernel)),
        selftest: home.join("selftest"),
        kernel,
        home,
    })
}

/// The package of a kernel's headers.
fn package(kernel: &Kernel) -> String {
    format!("linux-headers-{}", kernel.release)
}

/// Fetches headers and test for the cached kernel. A suite keeps headers of its newest kernels only: where it has moved on
/// from the cached one, that is replaced. Gives the kernel they are for.
fn fetch_parts(flavour: Flavour, mut kernel: Kernel, home: &Path) -> Result<Kernel> {
    eprintln!(
        "xtask: kernel {}: fetching its headers and its own test",
        kernel.release
    );
    let scratch = Scratch::new_in(home.parent().context("the cache has no directory for kernels")?)?;
    let apt = Apt::open(&scratch.path().join("apt"), flavour)?;
    let packages = match apt.with_dependencies(&package(&kernel), PARTS) {
        Ok(packages) => packages,
        Err(error) => {
            eprintln!("xtask: kernel {} has no headers any more: {error:#}", kernel.release);
            fetch::refresh(flavour)?;
            kernel = fetch::ensure(flavour)?;
            apt.with_dependencies(&package(&kernel), PARTS)?
        }
    };
    let headers = unpacked(&apt, &packages, scratch.path())?;
    settle(&headers, &home.join("headers"))?;
    let version = packages.first().and_then(|first| first.split_once('='));
    let (_, version) = version.context("the headers have no version")?;
    let selftest = source::selftest(&apt, &kernel, version, scratch.path())?;
    settle(&selftest, &home.join("selftest"))?;
    Ok(kernel)
}

/// Downloads and unpacks headers. Their make file names the place they would be installed to; links are relative already.
fn unpacked(apt: &Apt, packages: &[String], scratch: &Path) -> Result<PathBuf> {
    let made = apt.unpacked(packages.iter().map(String::as_str), scratch)?;
    for entry in fs::read_dir(made.join(PLACE)).context("the packages hold no headers")? {
        let makefile = entry?.path().join("Makefile");
        let Ok(text) = fs::read_to_string(&makefile) else {
            continue;
        };
        let moved = text.replace(&format!("include /{PLACE}/"), "include ../");
        fs::write(&makefile, moved).with_context(|| format!("cannot write {}", makefile.display()))?;
    }
    Ok(made)
}

/// Gives what was made its place, unless another run was faster: its copy is as good.
fn settle(made: &Path, place: &Path) -> Result<()> {
    match fs::rename(made, place) {
        Err(_) if place.exists() => Ok(()),
        result => result.with_context(|| format!("cannot put it at {}", place.display())),
    }
}
