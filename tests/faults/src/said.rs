//! kmodtrace as it is run: its status, and what it said.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use serde::de::DeserializeOwned;

/// How it ended: its status, or 128 and the signal that ended it, and what it wrote.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let signal = output.status.signal().map_or(-1, |signal| 128 + signal);
        Self {
            status: output.status.code().unwrap_or(signal),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// It ended so.
    pub(crate) fn ended(self, status: i32) -> Result<Self> {
        ensure!(
            self.status == status,
            "status {}, not {status}: {}",
            self.status,
            self.stderr.trim_end()
        );
        Ok(self)
    }

    /// It says a line of kmodtrace's own at the most. What went wrong is told in one.
    pub(crate) fn is_plain(&self, failed: bool) -> Result<()> {
        let lines: Vec<&str> = self.stderr.lines().collect();
        let plain = match &lines[..] {
            [] => !failed,
            [line] => line.starts_with("kmodtrace: "),
            _ => false,
        };
        ensure!(plain, "with status {} it says {:?}", self.status, self.stderr);
        Ok(())
    }
}

/// Runs something to its end.
pub(crate) fn run(command: &mut Command) -> Result<Said> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    Ok(Said::of(&output))
}

/// kmodtrace with these arguments.
pub(crate) fn kmodtrace<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("kmodtrace");
    command.args(arguments);
    command
}

/// What it tells as JSON.
pub(crate) fn told<T: DeserializeOwned>(arguments: &[&OsStr]) -> Result<T> {
    let said = run(kmodtrace(arguments).arg("--json"))?.ended(0)?;
    serde_json::from_str(&said.stdout).with_context(|| format!("{arguments:?} is not as documented"))
}

/// Whether a recording can be read to some end.
pub(crate) fn reads(recording: &Path) -> Result<()> {
    let report = run(kmodtrace(["report", "--quiet", "--from"]).arg(recording))?.ended(0);
    report.map(drop).with_context(|| recording.display().to_string())
}

/// No file is left that waits for its name.
pub(crate) fn nothing_is_left(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        ensure!(
            path.extension() != Some(OsStr::new("new")),
            "{} is left",
            path.display()
        );
        if path.is_dir() {
            nothing_is_left(&path)?;
        }
    }
    Ok(())
}
