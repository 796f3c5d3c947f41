//! `cargo xtask pictures`: makes the pictures of a page again.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use guest_vm::paths;

use crate::setup;

/// Opens pages in Chromium, as the part `pages` of the tests does, and keeps how one looks in docs/pages.
#[derive(Debug, Args)]
pub(crate) struct PicturesArgs {}

/// Makes them.
pub(crate) fn main(_: &PicturesArgs) -> Result<ExitCode> {
    setup::build_tools()?;
    guest_tests::pictures(&paths::workspace().join("docs/pages"))?;
    Ok(ExitCode::SUCCESS)
}
