//! Debian's source of a series, as its suite has it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::{
    kernel::{Flavour, apt::Apt},
    process,
};

/// A source as it was unpacked.
#[derive(Debug)]
pub struct Source {
    /// Where it is.
    pub dir: PathBuf,
    /// The package it came in, and its version.
    pub version: String,
}

/// Downloads the newest source of a series, and unpacks it below `scratch`.
pub fn newest(flavour: Flavour, scratch: &Path) -> Result<Source> {
    fetch(flavour, scratch).with_context(|| format!("cannot fetch the source of {}", flavour.name))
}

/// The archive that the source is in, where a package with a kernel's source was unpacked.
pub(in crate::kernel) fn archive(tree: &Path, name: &str) -> PathBuf {
    tree.join("usr/src").join(format!("{name}.tar.xz"))
}

fn fetch(flavour: Flavour, scratch: &Path) -> Result<Source> {
    let name = format!("linux-source-{}", flavour.name);
    eprintln!("xtask: fetching {name} from {}", flavour.suite);
    let apt = Apt::open(&scratch.join("apt"), flavour)?;
    let packages = apt.with_dependencies(&name, &[])?;
    let tree = apt.unpacked(packages.iter().map(String::as_str), scratch)?;
    let mut tar = process::command("tar", ["-C".as_ref(), scratch.as_os_str(), "-xf".as_ref()]);
    process::captured(tar.arg(archive(&tree, &name)))?;
    Ok(Source {
        dir: scratch.join(&name),
        version: packages.join("\n"),
    })
}
