//! Debian's source of a series, as its suite has it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{
    kernel::{
        Flavour,
        apt::{self, Apt},
    },
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

/// Downloads these packages, one of which has a kernel's source, and unpacks them into an empty directory. Gives the archive that
/// the source is in.
pub(in crate::kernel) fn archive<'p>(
    apt: &Apt,
    name: &str,
    packages: impl Iterator<Item = &'p str>,
    dir: &Path,
) -> Result<PathBuf> {
    let (debs, tree) = (dir.join("debs"), dir.join("tree"));
    for dir in [&debs, &tree] {
        fs::create_dir(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    }
    for deb in apt.download(packages, &debs)? {
        apt::unpack(&deb, &tree)?;
    }
    Ok(tree.join("usr/src").join(format!("{name}.tar.xz")))
}

fn fetch(flavour: Flavour, scratch: &Path) -> Result<Source> {
    let name = format!("linux-source-{}", flavour.name);
    eprintln!("xtask: fetching {name} from {}", flavour.suite);
    let dir = |name: &str| {
        let dir = scratch.join(name);
        fs::create_dir(&dir)
            .with_context(|| format!("cannot create {}", dir.display()))
            .map(|()| dir)
    };
    let apt = Apt::open(&dir("apt")?, flavour)?;
    let packages = apt.with_dependencies(&name, &[])?;
    let archive = archive(&apt, &name, packages.iter().map(String::as_str), &dir("source")?)?;
    let mut tar = process::command("tar", ["-C".as_ref(), scratch.as_os_str(), "-xf".as_ref()]);
    process::captured(tar.arg(archive))?;
    Ok(Source {
        dir: scratch.join(&name),
        version: packages.join("\n"),
    })
}
