//! The view on the console of a guest: live, where there are modules to load, and of a recording while somebody writes it.

use std::{env, ffi::OsStr, time::Duration};

use anyhow::{Context as _, Result, ensure};
use guest_vm::kernel;

use super::{Case, MODULE, Stage, UTF8};
use crate::tmux::Terminal;

/// What takes a boot, and a build if there was none.
const PATIENCE: Duration = Duration::from_mins(8);

pub(super) const CASES: &[Case] = &[
    ("the view of the demo, on a guest's console", demo),
    ("a recording that is followed until its writer is killed", followed),
];

/// xtask, which runs this, in a terminal.
fn xtask(stage: &Stage, arguments: &[&str]) -> Result<Terminal> {
    let program = env::current_exe().context("this program has no name")?;
    let mut command = vec![program.as_os_str()];
    command.extend(arguments.iter().map(OsStr::new));
    Ok(stage.start(&command, &UTF8)?.with_patience(PATIENCE))
}

/// The guest powers off, and all went well.
fn powers_off(terminal: &Terminal) -> Result<()> {
    terminal.press(&["q"])?;
    let status = terminal.ended()?;
    ensure!(status == 0, "it ended with status {status}:\n{}", terminal.text()?);
    Ok(())
}

fn demo(stage: &Stage) -> Result<()> {
    let terminal = xtask(stage, &["demo", "--view"])?;
    terminal.until("the storm", |screen| {
        let row = screen.lines().find(|line| line.starts_with(MODULE));
        screen.contains("live") && row.is_some_and(|row| row.contains("ENODEV") || row.contains("EBUSY"))
    })?;
    // Nothing is lost on the way, and every view comes over a serial line as well.
    terminal.shows(&["lost 0"])?;
    for (key, text) in [("3", "STAGES"), ("7", "attempts"), ("8", "fentry"), ("1", "MODULE ")] {
        terminal.press(&[key])?;
        terminal.shows(&[text]).with_context(|| format!("view {key}"))?;
    }
    powers_off(&terminal)
}

/// The writer is a kmodtrace of its own; what it is killed with leaves it no time to say anything. The pauses are there for
/// the view to be seen in between: far longer than it takes to come up, also on a busy machine.
const WRITTEN: &str = "
dmesg -n 1
kmodtrace -q record -o /tmp/f.kmt & writer=$!
until [ -s /tmp/f.kmt ]; do sleep 1; done
( sleep 8; modprobe dummy; sleep 25; kill -9 $writer ) </dev/null >/dev/null 2>&1 &
kmodtrace --from /tmp/f.kmt
";

fn followed(stage: &Stage) -> Result<()> {
    let kernel = kernel::first(|flavour| flavour.everyday)?.name;
    let terminal = xtask(stage, &["vm", "--kernel", kernel, "--tty", "--", WRITTEN])?;
    terminal.shows(&["followed"])?;
    terminal.until("a load that is seen while it is followed", |screen| {
        screen.contains("followed") && screen.lines().any(|line| line.starts_with("dummy "))
    })?;
    terminal.shows(&["CUT: its writer was killed", "dummy "])?;
    powers_off(&terminal)
}
