//! Packages of Python's index, each into an environment of its own in the cache.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{packages, paths, process};

/// The environment with this release of a package, installed where it is not. Its programs are in `bin`.
pub fn environment(package: &str, version: &str) -> Result<PathBuf> {
    let home = paths::cache()?.join(format!("{package}-{version}"));
    // Its presence says that the rest is whole.
    let whole = home.join("whole");
    if !whole.exists() {
        install(&home, &format!("{package}=={version}"))
            .with_context(|| format!("cannot install {package} {version}"))?;
        fs::write(&whole, "").with_context(|| format!("cannot write {}", whole.display()))?;
    }
    Ok(home)
}

fn install(home: &Path, package: &str) -> Result<()> {
    packages::ensure(packages::FOR_PYTHON)?;
    let python = paths::program("python3").context("python3 is missing")?;
    // Debian's Python comes without what makes an environment; others have it built in.
    if process::captured(&mut process::command(&python, ["-c", "import ensurepip, venv"])).is_err() {
        packages::ensure(packages::FOR_PYTHON_ENVIRONMENTS)?;
    }
    eprintln!("xtask: installing {package} into {}", home.display());
    process::captured(process::command(&python, ["-m", "venv", "--clear"]).arg(home))?;
    let quietly = ["install", "--quiet", "--disable-pip-version-check"];
    process::captured(process::command(home.join("bin/pip"), quietly).arg(package)).map(drop)
}
