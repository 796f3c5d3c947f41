//! How a failure reaches the user: one line, and an exit status that is documented.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use kmodtrace_core::text::Harmless;

/// Something failed.
pub(crate) const FAILED: u8 = 1;
/// Wrong usage, as clap has it.
pub(crate) const USAGE: u8 = 2;
/// This kernel, or this user, cannot trace: `EX_UNAVAILABLE` of sysexits.h.
pub(crate) const CANNOT_TRACE: u8 = 69;

/// Interrupted by a signal, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;
/// Of `bisect`: wrong usage. `git bisect run` takes 1 to 127 for the commit's fault, and stops at 128 and more.
pub(crate) const BISECT_USAGE: u8 = 128;
/// Of `bisect`: it failed itself.
pub(crate) const BISECT_FAILED: u8 = 129;

/// An error that carries its exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit status.
    pub status: u8,
    /// What, why, and what to do.
    pub text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// A failure with this status.
pub(crate) fn failure(status: u8, text: impl Into<String>) -> anyhow::Error {
    Failure {
        status,
        text: text.into(),
    }
    .into()
}

/// Stderr, for text with whatever names in it.
pub(crate) fn stderr() -> impl Write {
    Harmless::new(io::stderr())
}

/// A line on stderr. What follows a line feed is further in, so that no name makes a message of its own. The terminal may be gone, and then
/// there is nobody to tell.
pub(crate) fn say(text: impl fmt::Display) {
    let text = format!("kmodtrace: {text}").replace('\n', "\n  ") + "\n";
    let _ = stderr().write_all(text.as_bytes());
}

/// Whether nobody reads the output any more: the reader has what it wanted.
pub(crate) fn reader_is_gone(error: &anyhow::Error) -> bool {
    let causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes
        .map(io::Error::kind)
        .any(|kind| kind == io::ErrorKind::BrokenPipe)
}

/// Says what failed, in one line, and gives the exit status.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if reader_is_gone(error) {
        return ExitCode::SUCCESS;
    }
    say(format_args!("{error:#}"));
    ExitCode::from(status(error))
}

/// The exit status that a failure asks for.
pub(crate) fn status(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Failure>().map_or(FAILED, |failure| failure.status)
}
