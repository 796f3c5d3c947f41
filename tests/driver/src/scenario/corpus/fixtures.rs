//! Failures of modules that were made for it.

use std::path::Path;

use anyhow::Result;

use crate::kernel::Kernel;
use crate::stage::Stage;

/// Whether they are among the kernel's modules.
pub(in crate::scenario) fn are_here(kernel: &Kernel) -> bool {
    Path::new("/lib/modules")
        .join(&kernel.release)
        .join("extra/kt_init.ko")
        .exists()
}

/// Each of them.
pub(in crate::scenario) fn each(_stage: &mut Stage<'_>) -> Result<()> {
    Ok(())
}
