//! `kmodtrace graph`: who waited for whom in a recording.

use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::graph::WaitGraph;
use kmodtrace_core::text::Names;

use crate::cli;
use crate::output::Waits;
use crate::replay;

/// Reads the recording and writes the graph. A damaged recording gives what is whole, and then an error.
pub(crate) fn run(args: &cli::Graph, quiet: bool) -> Result<ExitCode> {
    let mut recording = replay::open(args.recorded.path())?;
    let zero = args.times.zero(recording.header());
    let wanted = args.wanting.wanted(zero);
    let mut graph = WaitGraph::with_stacks();
    let (ended, ..) = recording.finished(quiet, |finished| {
        if wanted.takes(&finished) {
            graph.add(&finished);
        }
        Some(finished)
    });
    let mut graph = graph.finish();
    graph.select(&Names::matching(&args.modules));
    args.format.print(&Waits { graph, zero })?;
    recording.warn(quiet);
    ended.map(|()| ExitCode::SUCCESS)
}
