//! `kmodtrace schema`: what `report --format json` is made of.

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::report::schema;

/// Prints the JSON Schema.
pub(crate) fn run() -> Result<ExitCode> {
    let mut out = stdout().lock();
    serde_json::to_writer_pretty(&mut out, &schema()).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}
