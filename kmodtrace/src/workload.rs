//! The command that is run under the tracer.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::Result;
use rustix::fs::{Access, access};
use tokio::process::{Child, Command};

use crate::failure::failure;

/// As shells have it.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// Whether the command can be run, before anything is attached for it.
pub(crate) fn find(command: &[OsString]) -> Result<()> {
    let Some(program) = command.first() else { return Ok(()) };
    let name = Path::new(program).display();
    let places = places(program);
    if places.is_empty() {
        return Err(failure(NOT_FOUND, format!("{name}: command not found")));
    }
    let runs = |place: &PathBuf| place.is_file() && access(place, Access::EXEC_OK).is_ok();
    if places.iter().any(runs) {
        Ok(())
    } else {
        Err(failure(
            NOT_EXECUTABLE,
            format!("cannot run {name}: not an executable file"),
        ))
    }
}

/// What is there under that name: where it says, or in the folders of PATH when it says nothing of a place.
fn places(program: &OsStr) -> Vec<PathBuf> {
    if program.as_encoded_bytes().contains(&b'/') {
        return Some(PathBuf::from(program))
            .filter(|place| place.exists())
            .into_iter()
            .collect();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .filter(|place| place.is_file())
        .collect()
}

/// Starts it, if there is one: with what this process reads and writes, or with nothing to read and a file for what it says.
pub(crate) fn start(command: &[OsString], console: Option<&File>) -> Result<Option<Child>> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(None);
    };
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(console) = console {
        let (out, err) = (console.try_clone()?, console.try_clone()?);
        command.stdin(Stdio::null()).stdout(out).stderr(err);
    }
    let child = command.spawn().map_err(|error| {
        let status = if error.kind() == io::ErrorKind::NotFound {
            NOT_FOUND
        } else {
            NOT_EXECUTABLE
        };
        failure(status, format!("cannot run {}: {error}", Path::new(program).display()))
    })?;
    Ok(Some(child))
}

/// A command's exit status, or 128 and the signal that killed it, as shells have it.
pub(crate) fn status_of(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}
