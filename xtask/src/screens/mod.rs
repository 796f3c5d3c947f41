//! `cargo xtask screens`: what each view looks like, as text and as a picture, from the recordings of the tests.

mod svg;

use std::{ffi::OsStr, fs, path::Path, process::ExitCode};

use anyhow::{Context as _, Result};
use guest_tests::{
    sgr,
    terminal::recording,
    tmux::{Run, Size, Terminal},
};
use guest_vm::{artifacts, packages, paths};

use crate::setup;

/// As much as an ordinary terminal shows.
const SIZE: Size = (110, 30);

/// A picture.
struct Shot {
    /// Its name, without an ending.
    name: &'static str,
    /// The recording, and how it is shown.
    recording: &'static str,
    at: Option<&'static str>,
    /// What the head says when all of that has been read.
    read: &'static str,
    /// What is pressed, one key after the other.
    keys: &'static [&'static str],
    /// What is on no other view.
    shows: &'static str,
}

/// Many tasks that load the same few modules.
const STORM: Shot = Shot {
    name: "",
    recording: "6.1-stock-storm.kmt",
    at: None,
    read: " end ",
    keys: &[],
    shows: "",
};

/// A module that requests another one while all slots for requests are taken by those who wait for it.
const NESTED: Shot = Shot {
    recording: "6.1-nested.kmt",
    at: Some("9.5"),
    read: " held ",
    ..STORM
};

/// All of them.
const SHOTS: [Shot; 11] = [
    Shot {
        name: "modules",
        keys: &["1"],
        shows: "MODULE ",
        ..STORM
    },
    Shot {
        name: "module",
        keys: &["1", "Enter"],
        shows: "STAGES of all loads",
        ..STORM
    },
    Shot {
        name: "inside",
        recording: "6.1-drill.kmt",
        keys: &["1", "Enter", "G"],
        shows: "deep_third_two made it",
        ..STORM
    },
    Shot {
        name: "time-line",
        keys: &["7"],
        shows: "38 attempts",
        ..STORM
    },
    Shot {
        name: "findings",
        keys: &["6"],
        shows: "busy-inherited",
        ..STORM
    },
    Shot {
        name: "evidence",
        keys: &["6", "Enter"],
        shows: "EVIDENCE of busy-inherited",
        ..STORM
    },
    Shot {
        name: "probes",
        keys: &["8"],
        shows: "finit_module.enter",
        ..STORM
    },
    Shot {
        name: "now",
        keys: &["2"],
        shows: "same-name",
        ..NESTED
    },
    Shot {
        name: "graph",
        keys: &["4"],
        shows: "DEADLOCK",
        ..NESTED
    },
    Shot {
        name: "requests",
        keys: &["5"],
        shows: "slots used 50 of 50",
        ..NESTED
    },
    Shot {
        name: "help",
        keys: &["?"],
        shows: "Everywhere",
        ..STORM
    },
];

/// Takes all pictures. Where no view has changed, no file does.
pub(crate) fn main() -> Result<ExitCode> {
    setup::build_tools()?;
    packages::ensure(packages::FOR_TERMINALS)?;
    eprintln!("xtask: building kmodtrace");
    let tool = artifacts::debug_kmodtrace()?;
    let dir = paths::workspace().join("docs/screens");
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    for shot in &SHOTS {
        let Shot { name, .. } = shot;
        let styled = shot.take(&tool).with_context(|| format!("no picture of {name}"))?;
        let rows = sgr::cells(&styled);
        write(&dir, name, "txt", &sgr::text(&rows))?;
        write(&dir, name, "svg", &svg::picture(name, &rows, SIZE))?;
    }
    eprintln!("xtask: {} views are in {}", SHOTS.len(), dir.display());
    Ok(ExitCode::SUCCESS)
}

fn write(dir: &Path, name: &str, ending: &str, text: &str) -> Result<()> {
    let file = dir.join(format!("{name}.{ending}"));
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

impl Shot {
    /// The screen with its colours, when nothing moves any more.
    fn take(&self, tool: &Path) -> Result<String> {
        let recording = recording(self.recording);
        let mut command = vec![tool.as_os_str(), OsStr::new("--from"), recording.as_os_str()];
        if let Some(at) = self.at {
            command.extend([OsStr::new("--at"), OsStr::new(at)]);
        }
        let terminal = Terminal::start(&Run {
            command: &command,
            dir: &paths::workspace(),
            environment: &[("LC_ALL", "C.UTF-8")],
            size: SIZE,
        })?;
        terminal.shows(&[self.read])?;
        for key in self.keys {
            terminal.press(&[key])?;
            // The next key is for what this one brought.
            terminal.still()?;
        }
        terminal.shows(&[self.shows])?;
        terminal.still()
    }
}
