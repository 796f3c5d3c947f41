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

use crate::expect::Expect;
use crate::failure::{self, Cause, Failure};
use crate::kernel::Kernel;
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

/// What comes of an init function that returns EEXIST.
fn init_says_eexist(kernel: &Kernel, init: Cause) -> Expect {
    const CASE: &str = "init-says-eexist";
    if kernel.hides_eexist() {
        let failure = Failure::translated(CASE, failure::INIT_EXISTS, libc::EEXIST);
        Expect::leader().errno(libc::EBUSY).because(failure)
    } else {
        Expect::leader().errno(libc::EEXIST).case(CASE, init)
    }
}
