//! `kmodtrace redact`: a copy of a recording for others to see.

use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::recording::{ReadError, Writer};

use crate::cli;
use crate::failure::{FAILED, failure, say};
use crate::plain_file;
use crate::replay;
use crate::target;

/// Writes the copy. A damaged recording gives what is whole, and then an error.
pub(crate) fn run(args: &cli::Redact, quiet: bool) -> Result<ExitCode> {
    let path = &args.output;
    target::refuse_existing(path)?;
    let mut recording = replay::open(args.recorded.path())?.redacted(&args.keep);
    let mut damage = None;
    let written = plain_file::whole(path, 0o600, |file| -> Result<_> {
        let mut writer = Writer::new(file, recording.header())?;
        damage = match recording.each(|record, _| Ok(writer.push(record)?)) {
            // What is whole is worth a copy; all else is wrong with that.
            Err(error) if error.is::<ReadError>() => Some(error),
            copied => copied.map(|()| None)?,
        };
        writer.flush_block()?;
        Ok(writer.into_output())
    });
    written.map_err(|error| failure(FAILED, format!("cannot write {}: {error:#}", path.display())))?;
    let left_out = recording.left_out();
    if left_out > 0 && !quiet {
        say(format_args!(
            "{}: left out {left_out} record{} of kinds that this kmodtrace does not know",
            path.display(),
            if left_out == 1 { "" } else { "s" }
        ));
    }
    recording.warn(quiet);
    damage.map_or(Ok(ExitCode::SUCCESS), Err)
}
