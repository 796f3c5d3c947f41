//! The command that is run under the tracer.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use tokio::process::{Child, Command};

use crate::failure::failure;
use crate::live::pump::Stop;

/// As shells have it.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// Whether the command is there, before anything is attached for it.
pub(super) fn find(command: &[OsString]) -> Result<()> {
    let Some(program) = command.first() else { return Ok(()) };
    let named = Path::new(program);
    let found = if named.components().count() > 1 {
        named.exists()
    } else {
        env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(named).is_file()))
    };
    if found { Ok(()) } else { Err(failure(NOT_FOUND, format!("{}: command not found", named.display()))) }
}

/// Starts it, if there is one.
pub(super) fn start(command: &[OsString]) -> Result<Option<Child>> {
    let Some((program, arguments)) = command.split_first() else { return Ok(None) };
    let child = Command::new(program).args(arguments).spawn().map_err(|error| {
        let status = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
        failure(status, format!("cannot run {}: {error}", Path::new(program).display()))
    })?;
    Ok(Some(child))
}

/// The command's own exit status, 128 and the signal that killed it, or 0 when something else ended the recording.
pub(super) fn status(stop: &Stop) -> ExitCode {
    match stop {
        Stop::Signal | Stop::Duration => ExitCode::SUCCESS,
        Stop::Command(status) => {
            let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
    }
}
