//! `kmodtrace graph`: who waited for whom in a recording.

use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::graph::WaitGraph;
use kmodtrace_core::analysis::waits::Waiting;
use kmodtrace_core::analysis::why::Filter;
use kmodtrace_core::report::OfRecording;
use kmodtrace_core::text::Names;

use crate::cli;
use crate::output::{Waits, columns};
use crate::replay;

/// Reads the recording and writes the graph. A damaged recording gives what is whole, and then an error.
pub(crate) fn run(args: &cli::Graph, quiet: bool) -> Result<ExitCode> {
    let mut recording = replay::open(args.recorded.path())?;
    let zero = args.times.zero(recording.header());
    let filter = Filter {
        modules: Names::matching(&args.modules),
        wanted: args.wanting.wanted(zero, recording.header().clock)?,
        ..Filter::default()
    };
    let mut graph = WaitGraph::with_stacks();
    let mut why = super::why::fold(filter.clone(), zero, recording.header()).without_findings();
    let (ended, end, loss) = recording.finished(quiet, |finished| {
        if filter.wanted.takes(&finished) {
            graph.add(&finished);
        }
        why.add(finished)
    });
    let mut graph = graph.finish();
    graph.select(&filter.modules);
    let hanging = why.finish(end).hanging;
    args.format.print(&Waits {
        waiting: OfRecording::new(Waiting { graph, hanging }, &recording.source(&loss)),
        zero,
        columns: columns(),
    })?;
    recording.warn(quiet);
    ended.map(|()| ExitCode::SUCCESS)
}
