//! Running other programs, with errors that say which one failed and what it said.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Signal, set_parent_process_death_signal};

/// How a command reads in a message: its words as a user would type them.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        let plain = !argument.is_empty() && !argument.contains(|c: char| c.is_whitespace() || "'\"$;|&".contains(c));
        // Writing to a string cannot fail.
        let _ = if plain {
            write!(text, " {argument}")
        } else {
            write!(text, " '{argument}'")
        };
    }
    text
}

/// Runs a command to its end with output captured; a failure carries what it wrote to its error stream.
pub fn captured(command: &mut Command) -> Result<Output> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed ({})\n{}", shown(command), output.status, said.trim_end());
    }
    Ok(output)
}

/// What a command writes to its standard output, as text.
pub fn text(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&captured(command)?.stdout).into_owned())
}

/// Runs a command with the user's own streams; its output is for the user, so only the status is in the error.
pub fn watched(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// Has a command end when this program does, in whichever way that is.
pub fn tied(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec only prctl is called, which allocates nothing and takes no lock.
    unsafe { command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?)) }
}

/// A command with these arguments.
pub fn command<S: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}
