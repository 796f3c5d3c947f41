//! Exports.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Names, Recorded};

/// Exports.
#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// Write a recording as metrics, such as for the textfile collector of `node_exporter`
    Openmetrics(Openmetrics),
}

/// Metrics.
#[derive(Args, Debug)]
pub(crate) struct Openmetrics {
    #[command(flatten)]
    pub(crate) recorded: Recorded,
    /// File to write: there whole, or not at all. Metrics that are there already are replaced [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Which text format
    #[arg(long, value_enum, default_value_t = TextFormat::Openmetrics)]
    pub(crate) format: TextFormat,
    #[command(flatten)]
    pub(crate) names: Names,
}

/// Text formats of metrics.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TextFormat {
    /// As the command is called, version 1.0; readers of the other one take it too, but see no types of counters
    Openmetrics,
    /// Prometheus' text format, version 0.0.4, which the textfile collector reads
    Prometheus,
}
