//! `kmodtrace bisect`: sessions that answer `git bisect run`.

mod log;
mod mark;
mod report;
mod start;
mod step;

use std::process::ExitCode;

use crate::bisect::samples;
use crate::cli::Bisect;
use crate::failure::{self, BISECT_FAILED, BISECT_USAGE, CANNOT_TRACE, USAGE};

/// Runs it. A failure has a status that `git bisect run` takes for nobody's commit.
pub(crate) fn run(args: &Bisect, quiet: bool) -> ExitCode {
    let done = match args {
        Bisect::Start(args) => start::run(args, quiet),
        Bisect::Step(args) => step::run(args, quiet),
        Bisect::Good(args) => mark::good(args, quiet),
        Bisect::Bad(args) => mark::bad(args, quiet),
        Bisect::Skip(args) => mark::skip(args),
        Bisect::Log(args) => log::run(args),
        Bisect::Report(args) => report::run(args),
        Bisect::Read { recording } => samples::try_to_read(recording)
            .map(|()| ExitCode::SUCCESS)
            .map_err(Into::into),
    };
    done.unwrap_or_else(|error| {
        let told = failure::report(&error);
        if failure::reader_is_gone(&error) {
            return told;
        }
        ExitCode::from(match failure::status(&error) {
            // What a command cannot do for its user, or for want of rights, is for that user to mend.
            USAGE | CANNOT_TRACE | 126 | 127 => BISECT_USAGE,
            own @ BISECT_USAGE.. => own,
            _ => BISECT_FAILED,
        })
    })
}
