//! What recordings can be exported to.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use kmodtrace_otlp::Endpoint;

use super::{Names, Recorded};

/// Where to.
#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// Add recordings to a folder of Parquet files, for engines that answer questions in SQL
    Parquet(ExportParquet),
    /// Write a recording as metrics, such as for the textfile collector of `node_exporter`
    Openmetrics(Openmetrics),
    /// Send recordings to a collector of OpenTelemetry, as traces and metrics
    Otlp(ExportOtlp),
}

/// OpenTelemetry.
#[derive(Args, Debug)]
pub(crate) struct ExportOtlp {
    /// Where the collector takes OTLP by HTTP, such as `http://localhost:4318`
    #[arg(value_name = "ENDPOINT", value_parser = Endpoint::new)]
    pub(crate) endpoint: Endpoint,
    /// Recordings
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) names: Names,
}

/// Parquet files.
#[derive(Args, Debug)]
pub(crate) struct ExportParquet {
    /// Folder to add files to, DIR/TABLE/day=YYYY-MM-DD/*.parquet; it is made if it is not there
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Recordings: files, or folders, of which all *.kmt and kmodtrace.data are read
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
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
