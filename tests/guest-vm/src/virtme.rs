//! virtme-ng, which boots a kernel on the files of this machine: from Python's index, because few distributions have it, or have it new
//! enough.

use std::path::PathBuf;

use anyhow::Result;

use crate::{packages, python};

/// virtme-ng's program, installed where it is not, in the release that is known to work.
pub fn ensure() -> Result<PathBuf> {
    packages::ensure(packages::FOR_GUESTS)?;
    packages::ensure(packages::FOR_VIRTME)?;
    Ok(python::environment("virtme-ng", "1.42")?.join("bin/vng"))
}
