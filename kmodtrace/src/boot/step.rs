//! One thing that is installed, and taken away again.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::failure::{FAILED, failure};

/// Something that is installed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A file with this text, executable or not.
    File(PathBuf, String, bool),
    /// A symbolic link to this.
    Link(PathBuf, String),
    /// A command that makes it count.
    Run(Vec<&'static str>),
}

impl Step {
    /// Installs it.
    pub(crate) fn make(&self) -> Result<()> {
        match self {
            Self::File(path, text, runs) => {
                write(path, text, *runs).with_context(|| format!("cannot write {}", path.display()))
            }
            Self::Link(path, to) => {
                folder_of(path)?;
                match symlink(to, path) {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                        Err(error).with_context(|| format!("cannot make the link {}", path.display()))
                    }
                    _ => Ok(()),
                }
            }
            Self::Run(command) => run(command),
        }
    }

    /// Takes it away.
    pub(crate) fn undo(&self) -> Result<()> {
        match self {
            Self::File(path, ..) | Self::Link(path, _) => {
                fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
            }
            Self::Run(command) => run(command),
        }
    }
}

fn folder_of(path: &Path) -> Result<()> {
    let folder = path.parent().context("no folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// Whole or not at all: what runs in a boot is not to be half there.
fn write(path: &Path, text: &str, runs: bool) -> Result<()> {
    folder_of(path)?;
    // Hooks of initramfs-tools whose names have a dot are not run.
    let new = path.with_file_name(".kmodtrace.new");
    fs::write(&new, text)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(if runs { 0o755 } else { 0o644 }))?;
    fs::rename(&new, path)?;
    Ok(())
}

fn run(command: &[&str]) -> Result<()> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(());
    };
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot run {}", command.join(" ")))?;
    if status.success() {
        return Ok(());
    }
    let text = format!(
        "{}: {status}; nothing was taken back: kmodtrace boot disable does that",
        command.join(" ")
    );
    Err(failure(FAILED, text))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, ..) => write!(f, "file {}", path.display()),
            Self::Link(path, to) => write!(f, "link {} to {to}", path.display()),
            Self::Run(command) => write!(f, "run {}", command.join(" ")),
        }
    }
}
