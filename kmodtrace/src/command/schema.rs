//! `kmodtrace schema`: what the JSON of each command is made of, and the records of a recording.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use kmodtrace_core::text::write_json;

use crate::cli::Schema;
use crate::output::{SCHEMAS, stdout, written};

/// Prints a JSON Schema, or the names of all.
pub(crate) fn run(args: &Schema) -> Result<ExitCode> {
    let mut out = written(stdout())?;
    if args.list {
        for (name, _) in SCHEMAS {
            written(writeln!(out, "{name}"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let found = SCHEMAS.iter().find(|(name, _)| *name == args.name);
    let (_, schema) = found.context("no such schema")?;
    written(write_json(&schema(), &mut out))?;
    Ok(ExitCode::SUCCESS)
}
