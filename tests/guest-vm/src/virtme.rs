//! virtme-ng, which boots a kernel on the files of this machine: from Python's index, into a directory of the cache, because few
//! distributions have it, or have it new enough.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::{packages, paths, process};

/// The release that is known to work.
const VERSION: &str = "1.42";

/// virtme-ng's program, installed where it is not.
pub fn ensure() -> Result<PathBuf> {
    packages::ensure(packages::FOR_GUESTS)?;
    packages::ensure(packages::FOR_VIRTME)?;
    let home = paths::cache()?.join(format!("virtme-ng-{VERSION}"));
    // Its presence says that the rest is whole.
    let whole = home.join("whole");
    if !whole.exists() {
        install(&home).with_context(|| format!("cannot install virtme-ng {VERSION}"))?;
        fs::write(&whole, "").with_context(|| format!("cannot write {}", whole.display()))?;
    }
    Ok(home.join("bin/vng"))
}

fn install(home: &Path) -> Result<()> {
    let python = paths::program("python3").context("python3 is missing")?;
    // Debian's Python comes without what makes an environment; others have it built in.
    if process::captured(&mut process::command(&python, ["-c", "import ensurepip, venv"])).is_err() {
        packages::ensure(packages::FOR_PYTHON_ENVIRONMENTS)?;
    }
    eprintln!("xtask: installing virtme-ng {VERSION} into {}", home.display());
    process::captured(process::command(&python, ["-m", "venv", "--clear"]).arg(home))?;
    let mut pip = process::command(
        home.join("bin/pip"),
        ["install", "--quiet", "--disable-pip-version-check"],
    );
    process::captured(pip.arg(format!("virtme-ng=={VERSION}"))).map(drop)
}
