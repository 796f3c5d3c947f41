//! That only such signs and colours are drawn as the environment says the terminal has.

use anyhow::{Result, bail, ensure};

use super::{Case, MODULE, NESTED, STORM, Stage, UTF8, quit};
use crate::tmux::Terminal;

pub(super) const CASES: &[Case] = &[
    ("LANG=C: ASCII alone", ascii),
    ("UTF-8: more than that", signs),
    ("NO_COLOR: none", colourless),
    ("colours", colourful),
];

/// All views of a recording, one screen after the other, with their colours.
fn all(stage: &Stage, recording: &str, more: &[&str], environment: &[(&str, &str)]) -> Result<Vec<String>> {
    let terminal = stage.view(&super::recording(recording), more, environment)?;
    terminal.shows(&["MODULE ", "8 Probes"])?;
    let seen = ["1", "2", "3", "4", "5", "6", "7", "8", "?"].map(|key| seen(&terminal, key));
    // The first key leaves the help.
    terminal.press(&["Escape"])?;
    terminal.hides("goes back")?;
    quit(&terminal)?;
    seen.into_iter().collect()
}

fn seen(terminal: &Terminal, key: &str) -> Result<String> {
    terminal.press(&[key])?;
    terminal.still()
}

fn ascii(stage: &Stage) -> Result<()> {
    for (recording, more) in [(STORM, &[] as &[_]), (NESTED, &["--at", "9.5"])] {
        for screen in all(stage, recording, more, &[("LANG", "C")])? {
            ensure!(screen.is_ascii(), "not ASCII alone:\n{screen}");
        }
    }
    Ok(())
}

fn signs(stage: &Stage) -> Result<()> {
    let screens = all(stage, STORM, &[], &UTF8)?;
    ensure!(
        screens.iter().any(|screen| !screen.is_ascii()),
        "nothing but ASCII:\n{}",
        screens.concat()
    );
    Ok(())
}

/// Whether a sequence on a captured screen chooses a colour (ECMA-48's SGR: 30 to 38, 40 to 48, and 90 to 107 for bright ones).
fn is_coloured(screen: &str) -> bool {
    let chosen = screen.split("\x1b[").skip(1).filter_map(|rest| rest.split_once('m'));
    let mut numbers = chosen.flat_map(|(numbers, _)| numbers.split(';'));
    numbers.any(|number| matches!(number.parse(), Ok(30..=38 | 40..=48 | 90..=107)))
}

fn colourless(stage: &Stage) -> Result<()> {
    let environment = [UTF8.as_slice(), &[("NO_COLOR", "1")]].concat();
    for screen in all(stage, STORM, &[], &environment)? {
        ensure!(!is_coloured(&screen), "{MODULE} has colours:\n{screen:?}");
    }
    Ok(())
}

fn colourful(stage: &Stage) -> Result<()> {
    for screen in all(stage, STORM, &[], &UTF8)? {
        if is_coloured(&screen) {
            return Ok(());
        }
    }
    bail!("no view has any colour")
}
