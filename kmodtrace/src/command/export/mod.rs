//! `kmodtrace export`: recordings as others store them.

mod openmetrics;
mod otlp;
mod parquet;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::Export;

/// Exports to what was asked for.
pub(crate) fn run(args: &Export, quiet: bool) -> Result<ExitCode> {
    match args {
        Export::Parquet(args) => parquet::run(args, quiet),
        Export::Openmetrics(args) => openmetrics::run(args, quiet),
        Export::Otlp(args) => otlp::run(args, quiet),
    }
}
