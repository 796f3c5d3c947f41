//! `kmodtrace schema`: what `report --format json` is made of.

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::report::schema;

/// Prints the JSON Schema.
pub(crate) fn run() -> Result<ExitCode> {
    let text = serde_json::to_string_pretty(&schema())?;
    super::written(writeln!(stdout(), "{text}"))?;
    Ok(ExitCode::SUCCESS)
}
