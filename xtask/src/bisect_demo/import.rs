//! Commits, made without touching the working tree: files that a checkout writes anew are compiled anew.

use std::{fmt::Write as _, fs, process::Stdio};

use anyhow::{Context as _, Result};
use guest_vm::{
    git::{self, Git},
    paths::Scratch,
    process,
};

/// A commit that changes one file.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) subject: &'a str,
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

/// Makes `branch` these commits on top of `base`, whatever it was before. Gives their names, oldest first.
pub(super) fn commits(git: &Git, base: &str, branch: &str, steps: &[Step<'_>]) -> Result<Vec<String>> {
    let scratch = Scratch::new()?;
    let file = scratch.path().join("stream");
    fs::write(&file, stream(base, branch, steps)).context("cannot write the commits down")?;
    let input = fs::File::open(&file).context("cannot read the commits")?;
    let mut import = git.command(&["fast-import", "--quiet", "--force"]);
    let output = import.stdin(Stdio::from(input)).output();
    let output = output.with_context(|| format!("cannot run {}", process::shown(&import)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::bail!("git does not take the commits\n{}", said.trim_end());
    }
    let range = format!("{base}..refs/heads/{branch}");
    let listed = git.text(&["rev-list", "--reverse", &range])?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// What git fast-import reads.
fn stream(base: &str, branch: &str, steps: &[Step<'_>]) -> String {
    let mut stream = String::new();
    for (index, step) in steps.iter().enumerate() {
        let who = git::signature(index + 1);
        let message = format!("{}\n", step.subject);
        let from = if index == 0 {
            format!("from {base}^0\n")
        } else {
            String::new()
        };
        // Writing to a string cannot fail.
        let _ = write!(
            stream,
            "commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\ndata {}\n{message}{from}\
             M 100644 inline {}\ndata {}\n{}\n",
            message.len(),
            step.file,
            step.text.len(),
            step.text
        );
    }
    stream.push_str("done\n");
    stream
}
