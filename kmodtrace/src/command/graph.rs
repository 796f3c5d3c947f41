//! `kmodtrace graph`: who waited for whom in a recording.

use std::io::{BufWriter, Write as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::graph::{WaitGraph, write_dot, write_folded, write_json, write_text};
use kmodtrace_core::text::Names;

use crate::cli::{self, GraphFormat};
use crate::replay;

/// Reads the recording and writes the graph. A damaged recording gives what is whole, and then an error.
pub(crate) fn run(args: &cli::Graph, quiet: bool) -> Result<ExitCode> {
    let mut recording = replay::open(&args.from)?;
    let mut graph = WaitGraph::default();
    let (ended, _) = recording.finished(|finished| graph.add(&finished));
    let mut graph = graph.finish();
    graph.select(&Names::matching(&args.modules));
    let mut out = BufWriter::new(stdout().lock());
    let origin = recording.header().clock.monotonic_ns;
    let written = match args.format {
        GraphFormat::Text => write_text(&graph, origin, &mut out),
        GraphFormat::Dot => write_dot(&graph, &mut out),
        GraphFormat::Json => write_json(&graph, &mut out),
        GraphFormat::Folded => write_folded(&graph, &mut out),
    };
    super::written(written.and_then(|()| out.flush()))?;
    recording.warn(quiet);
    ended.map(|()| ExitCode::SUCCESS)
}
