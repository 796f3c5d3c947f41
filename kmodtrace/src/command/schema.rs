//! `kmodtrace schema`: what the JSON of each command is made of.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use kmodtrace_core::text::write_json;

use crate::cli::Schema;
use crate::output::{SCHEMAS, stdout};

/// Prints a JSON Schema, or the names of all.
pub(crate) fn run(args: &Schema) -> Result<ExitCode> {
    if args.list {
        for (name, _) in SCHEMAS {
            super::written(writeln!(stdout(), "{name}"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let found = SCHEMAS.iter().find(|(name, _)| *name == args.name);
    let (_, schema) = found.context("no such schema")?;
    super::written(write_json(&schema(), &mut stdout()))?;
    Ok(ExitCode::SUCCESS)
}
