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
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::process::{Child, Command};

use crate::failure::failure;

/// As shells have it.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// What attaching raises.
const RAISED: [Resource; 2] = [Resource::Memlock, Resource::Nofile];

/// The limits that the command is to have.
#[derive(Clone, Copy)]
pub(crate) struct Limits([Rlimit; RAISED.len()]);

impl Limits {
    /// Those of now, before anything is attached.
    pub(crate) fn now() -> Self {
        Self(RAISED.map(getrlimit))
    }

    fn set(self) -> io::Result<()> {
        for (resource, limit) in RAISED.into_iter().zip(self.0) {
            setrlimit(resource, limit)?;
        }
        Ok(())
    }
}

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

/// Starts it, if there is one, within these limits: with what this process reads and writes, or with nothing to read and a file for what it says.
pub(crate) fn start(command: &[OsString], limits: Limits, console: Option<&File>) -> Result<Option<Child>> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(None);
    };
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(console) = console {
        let (out, err) = (console.try_clone()?, console.try_clone()?);
        command.stdin(Stdio::null()).stdout(out).stderr(err);
    }
    // Set here, and not by the child: with anything to do between fork and exec the standard library takes execvp, by which a file
    // that is no program is a script of the shell's (execvp(3)).
    let raised = Limits::now();
    limits.set()?;
    let spawned = command.spawn();
    raised.set()?;
    let child = spawned.map_err(|error| {
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
