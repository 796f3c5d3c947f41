//! `kmodtrace why`: where the errnos of a recording came from.

use std::mem;
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::why::{Filter, WhyFold};
use kmodtrace_core::model::Zero;
use kmodtrace_core::recording::Header;
use kmodtrace_core::report::{OfRecording, Source};
use kmodtrace_core::text::{Glob, Names};

use crate::cli;
use crate::output::{Answered, columns};
use crate::replay;

/// Reads the recording and says why. A damaged recording gives what is whole, and then an error.
pub(crate) fn run(args: &cli::Why, quiet: bool) -> Result<ExitCode> {
    let mut recording = replay::open(args.recorded.path())?;
    let zero = args.times.zero(recording.header());
    let mut wanted = args.wanting.wanted(zero, recording.header().clock)?;
    let filter = Filter {
        modules: Names::matching(&args.modules),
        // Here an errno is more than what a call ended with.
        errno: wanted.errno.take(),
        request: args.request.as_deref().map(Glob::new),
        wanted,
    };
    let mut fold = fold(filter, zero, recording.header());
    let (ended, end, loss) = recording.finished(quiet, |finished| fold.add(finished));
    let why = fold.finish(end).with_command_status(recording.command_status());
    args.format.print(&Answered {
        why: OfRecording::new(why, &recording.source(&loss)),
        columns: columns(),
    })?;
    // The process ends with it: to free thousands of attempts one by one takes a while, and nobody needs the room.
    mem::forget(fold);
    recording.warn(quiet);
    ended.map(|()| ExitCode::SUCCESS)
}

/// Gathers what fits a filter, in the light of what a recording says of itself.
pub(super) fn fold(filter: Filter, zero: Zero, header: &Header) -> WhyFold {
    let coverage = Source::of_header(header).coverage;
    WhyFold::new(filter, zero, &header.functions, coverage).in_environment(header.environment().as_ref())
}
