//! What the views show, whatever the size, and what keys do to them.

use anyhow::{Context as _, Result, ensure};

use super::{Case, MODULE, NESTED, STORM, Stage, UTF8, quit, recording};
use crate::tmux::Size;

pub(super) const CASES: &[Case] = &[
    ("every view of a recording", every_view),
    ("the views of a deadlock", deadlock),
    ("another size while it runs", sizes),
    ("a filter as it is typed", filter),
    ("help", help),
    ("keys that are typed ahead", typed_ahead),
];

/// The number of each view, and what of the storm is on it.
const VIEWS: [(&str, &[&str]); 8] = [
    ("2", &["nothing is being loaded"]),
    ("3", &[MODULE, "STAGES", "duplicate-check", "same-name waits"]),
    ("4", &["nobody waits", "crc32c_intel: 7 waits"]),
    ("5", &["slots used 0 of 50"]),
    ("6", &["busy-inherited"]),
    ("7", &["38 attempts", "ENODEV", "EEXIST"]),
    ("8", &["finit_module.enter", "fentry __x64_sys_finit_module"]),
    ("1", &["MODULE ", "EBUSY 7, ENODEV 1", "libcrc32c"]),
];

fn every_view(stage: &Stage) -> Result<()> {
    let terminal = stage.storm()?;
    terminal.shows(&["attempts 38", "failed 35", "lost 0", "missed 0"])?;
    for (key, texts) in VIEWS {
        terminal.press(&[key])?;
        terminal.shows(texts).with_context(|| format!("view {key}"))?;
    }
    quit(&terminal)
}

fn deadlock(stage: &Stage) -> Result<()> {
    let terminal = stage.view(&recording(NESTED), &["--at", "9.5"], &UTF8)?;
    terminal.shows(&[" held ", "kt_dep"])?;
    for (key, texts) in [
        ("2", &["same-name", "kt_dep by", "kt_init"] as &[_]),
        ("4", &["DEADLOCK", "all 50 slots", "kt_init"]),
        ("5", &["slots used 50 of 50", "fs-ktfs"]),
    ] {
        terminal.press(&[key])?;
        terminal.shows(texts).with_context(|| format!("view {key}"))?;
    }
    quit(&terminal)
}

/// Each with a text that is on the screen only when the view knows how wide it is: the titles of the views come short and
/// long, and the foot stands on the last line.
const SIZES: [(Size, &str); 4] = [
    ((60, 15), "8Probes"),
    ((200, 60), "8 Probes"),
    ((60, 15), "8Probes"),
    ((110, 30), "8 Probes"),
];

fn sizes(stage: &Stage) -> Result<()> {
    let terminal = stage.storm()?;
    for (size, title) in SIZES {
        let (cols, rows) = size;
        terminal.resize(size)?;
        terminal.until(&format!("{cols}x{rows}"), |screen| {
            let lines: Vec<_> = screen.lines().collect();
            let has = |text: &str| lines.iter().any(|line| line.contains(text));
            lines.len() == usize::from(rows)
                && lines.last().is_some_and(|foot| foot.contains("quit"))
                && has(title)
                && has(MODULE)
        })?;
        // A key that comes at once is for the view as it is now.
        for (key, text) in [("7", "38 attempts"), ("1", "MODULE ")] {
            terminal.press(&[key])?;
            terminal.shows(&[text]).with_context(|| format!("view {key}"))?;
        }
    }
    for size in [(60, 15), (1, 1), (200, 60), (3, 100), (110, 30)] {
        terminal.resize(size)?;
    }
    terminal.shows(&[MODULE, "8 Probes"])?;
    quit(&terminal)
}

fn filter(stage: &Stage) -> Result<()> {
    let terminal = stage.storm()?;
    terminal.press(&["/"])?;
    terminal.types("crc32")?;
    let screen = terminal.hides(MODULE)?;
    ensure!(
        ["libcrc32c", "crc32c_intel", "filter: crc32"]
            .iter()
            .all(|text| screen.contains(text)),
        "what the filter left:\n{screen}"
    );
    terminal.press(&["Escape"])?;
    terminal.shows(&[MODULE])?;
    quit(&terminal)
}

fn help(stage: &Stage) -> Result<()> {
    let terminal = stage.storm()?;
    terminal.press(&["?"])?;
    terminal.shows(&["Everywhere", "Shift-Tab", "goes back"])?;
    terminal.press(&["Escape"])?;
    terminal.hides("goes back")?;
    terminal.shows(&[MODULE])?;
    quit(&terminal)
}

/// Recordings, each with its keys: some seek.
const TYPED: [(&str, &[&str], &[&str]); 3] = [
    (STORM, &[], &["/", "c", "r", "c", "Enter", "Down", "Enter"]),
    (STORM, &[], &["6", "Down", "Enter", "Enter"]),
    (NESTED, &["--at", "9.5"], &[".", ",", ",", "2", "Down", "Enter"]),
];

/// Before anything was drawn, and all at once: the same comes of it as of keys that wait for the screen.
fn typed_ahead(stage: &Stage) -> Result<()> {
    for (name, more, keys) in TYPED {
        let view = || stage.view(&recording(name), more, &UTF8);
        let fast = view()?;
        fast.press(keys)?;
        let slow = view()?;
        slow.shows(&["8 Probes"])?;
        for key in keys {
            slow.still()?;
            slow.press(&[key])?;
        }
        fast.still()?;
        slow.still()?;
        let (fast_screen, slow_screen) = (fast.text()?, slow.text()?);
        ensure!(
            fast_screen == slow_screen,
            "{keys:?} at once:\n{fast_screen}\none by one:\n{slow_screen}"
        );
        quit(&fast)?;
        quit(&slow)?;
    }
    Ok(())
}
