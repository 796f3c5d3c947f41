//! `kmodtrace why`: where the errnos of a recording came from.

use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::causes::Subject;
use kmodtrace_core::analysis::why::{Filter, WhyFold};
use kmodtrace_core::model::Errno;
use kmodtrace_core::report::Source;
use kmodtrace_core::text::{Glob, Names};

use crate::cli;
use crate::failure::{USAGE, failure};
use crate::output::{Answered, columns};
use crate::replay;

/// Reads the recording and says why. A damaged recording gives what is whole, and then an error.
pub(crate) fn run(args: &cli::Why, quiet: bool) -> Result<ExitCode> {
    let filter = Filter {
        modules: Names::matching(&args.modules),
        errno: args.errno.as_deref().map(errno).transpose()?,
        request: args.request.as_deref().map(Glob::new),
    };
    let mut recording = replay::open(args.recorded.path())?;
    let mut fold = WhyFold::new(
        filter,
        args.times.zero(recording.header()),
        &recording.header().functions,
        Source::of_header(recording.header()).coverage,
    )
    .in_environment(recording.header().environment().as_ref());
    let (ended, end, _) = recording.finished(|finished| fold.add(finished));
    args.format.print(&Answered {
        why: fold.finish(end).with_command_status(recording.command_status()),
        columns: columns(),
    })?;
    recording.warn(quiet);
    ended.map(|()| ExitCode::SUCCESS)
}

fn errno(text: &str) -> Result<Errno> {
    match text.parse() {
        Ok(Subject::Errno(errno)) => Ok(errno),
        _ => Err(failure(
            USAGE,
            format!("`{text}` is not an errno, such as EBUSY, 16 or -16"),
        )),
    }
}
