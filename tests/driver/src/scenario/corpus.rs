//! Failures, each provoked on purpose: one for each cause that can be forced without special hardware.
//!
//! Those that the other scenarios force are not repeated here.

mod arguments;
mod files;
pub(super) mod fixtures;
mod images;
pub(super) mod policy;
mod signature;
mod symbols;
mod twins;

use anyhow::Result;

use crate::stage::Stage;

/// What `MODULE_INIT_COMPRESSED_FILE` is.
const COMPRESSED: i32 = 4;

/// All that stock modules can be brought to.
pub(super) fn stock(stage: &mut Stage<'_>) -> Result<()> {
    let module = stage.subject("dummy")?;
    arguments::each(stage, &module)?;
    files::each(stage, &module)?;
    signature::each(stage, &module)?;
    images::each(stage, &module)?;
    twins::each(stage, &module)?;
    symbols::each(stage)?;
    policy::blacklisted(stage)?;
    policy::init_blacklisted(stage)?;
    policy::powerless(stage, &module)
}
