//! The kernel's own test of module loading, out of Debian's package of the kernel's source. Only these files are kept, in
//! the cache: they are the kernel's, under its licence, and no part of this tree.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{Kernel, apt::Apt, build::unpack};
use crate::process;

/// What is kept.
const FILES: [&str; 4] = [
    "lib/test_kmod.c",
    "lib/test_module.c",
    "tools/testing/selftests/kmod/config",
    "tools/testing/selftests/kmod/kmod.sh",
];

/// Downloads the source in the version the kernel was built from, and takes the test out of it: a directory in `scratch`.
pub(super) fn selftest(apt: &Apt, kernel: &Kernel, version: &str, scratch: &Path) -> Result<PathBuf> {
    let series: Vec<_> = kernel.release.split('.').take(2).collect();
    let name = format!("linux-source-{}", series.join("."));
    let (tree, made) = (scratch.join("source"), scratch.join("selftest"));
    for dir in [&tree, &made] {
        fs::create_dir(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    }
    let package = format!("{name}={version}");
    let unpacked = apt.unpacked([package.as_str()].into_iter(), &tree)?;
    let archive = unpack::archive(&unpacked, &name);
    let mut tar = process::command(
        "tar",
        ["-C".as_ref(), tree.as_os_str(), "-xf".as_ref(), archive.as_os_str()],
    );
    process::captured(tar.args(FILES.map(|file| format!("{name}/{file}"))))?;
    for file in FILES {
        let from = tree.join(&name).join(file);
        let to = made.join(Path::new(file).file_name().unwrap_or_default());
        fs::rename(&from, &to).with_context(|| format!("the kernel's source has no {file}"))?;
    }
    Ok(made)
}
