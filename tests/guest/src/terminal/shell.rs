//! That whoever started the view gets the terminal back as it was, however the view ends.

use std::ffi::OsStr;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::{Case, MODULE, STORM, Stage, UTF8, recording};
use crate::tmux::Terminal;

pub(super) const CASES: &[Case] = &[
    ("q gives the terminal back", |stage| {
        restored(stage, |terminal, _| terminal.press(&["q"]))
    }),
    ("Ctrl-C gives the terminal back", |stage| {
        restored(stage, |terminal, _| terminal.press(&["C-c"]))
    }),
    ("SIGTERM gives the terminal back", |stage| {
        restored(stage, |_, pid| Ok(kill_process(pid, Signal::TERM)?))
    }),
    ("Ctrl-Z gives the shell back, and fg the view", suspended),
];

/// Ends the view in some way.
fn restored(stage: &Stage, end: impl Fn(&Terminal, Pid) -> Result<()>) -> Result<()> {
    let terminal = stage.between_looks(&recording(STORM))?;
    terminal.shows(&[MODULE])?;
    ensure!(terminal.is_alternate()?, "the view has not taken the alternate screen");
    let pid = stage.wrote("pid")?.trim().parse().ok().and_then(Pid::from_raw);
    end(&terminal, pid.context("the view has no process")?)?;
    stage.ended_with(&terminal, "0", None)
}

fn suspended(stage: &Stage) -> Result<()> {
    let terminal = stage.start(
        &["bash", "--norc", "--noprofile", "-i"].map(OsStr::new),
        &[UTF8.as_slice(), &[("PS1", "ready> ")]].concat(),
    )?;
    terminal.shows(&["ready>"])?;
    terminal.line("stty -g >before")?;
    let recording = recording(STORM);
    terminal.line(&format!("'{}' --from '{}'", stage.tool.display(), recording.display()))?;
    terminal.shows(&["MODULE ", MODULE])?;
    // Twice: what the first time has left behind would show the second time.
    for time in 1..=2 {
        terminal.press(&["C-z"])?;
        terminal.until_alternate(false)?;
        // The shell makes the sum: what was typed is no answer.
        terminal.line(&format!("echo it answers $(({time} + 40))"))?;
        terminal.shows(&["Stopped", &format!("it answers {}", time + 40)])?;
        terminal.line("fg")?;
        terminal.shows(&["MODULE ", MODULE, "quit"])?;
        ensure!(terminal.is_alternate()?, "fg did not take the alternate screen again");
    }
    terminal.press(&["3"])?;
    terminal.shows(&["STAGES"]).context("a key after fg")?;
    terminal.press(&["q"])?;
    terminal.until_alternate(false)?;
    terminal.line("echo $? >status; stty -g >after; exit 0")?;
    terminal.ended()?;
    let status = stage.wrote("status")?;
    ensure!(status.trim() == "0", "q after fg: status {}", status.trim());
    stage.same_settings()
}
