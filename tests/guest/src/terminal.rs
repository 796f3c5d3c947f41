//! The view in a real terminal: what it shows of recordings, and that it leaves nothing behind.

mod console;
mod files;
mod looks;
mod shell;
mod views;

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use guest_vm::{
    artifacts,
    paths::{self, Scratch},
};

use crate::guest::Tally;
use crate::tmux::{Run, Size, Terminal};

/// What is tried. The text says what holds.
type Case = (&'static str, fn(&Stage) -> Result<()>);

/// The module that many tasks load in the recording of the storm, and that no view of that recording is without.
const MODULE: &str = "acpi_cpufreq";

/// Many tasks that load the same few modules.
const STORM: &str = "6.1-stock-storm.kmt";

/// A deadlock, which lasts 9.5 seconds after the kernel started.
const NESTED: &str = "6.1-nested.kmt";

/// The sizes at which views are looked at: what every terminal has, and what a large one has. The rest is done at the first.
const SIZES: [Size; 2] = [(80, 24), (200, 50)];

/// Where a guest's console is shown.
const CONSOLE: Size = (110, 30);

/// Signs as everybody has them.
const UTF8: [(&str, &str); 1] = [("LC_ALL", "C.UTF-8")];

/// Where a recording of the tests is, by its file's name.
pub(crate) fn recording(name: &str) -> PathBuf {
    paths::workspace().join("kmodtrace-core/tests/recordings").join(name)
}

/// A shell that touches the terminal's settings no more than to write them down, before and after.
const BETWEEN_LOOKS: &str = r#"
stty -g >before
sh -c 'echo $$ >pid; exec "$0" "$@"' "$0" "$@" 2>said
echo $? >status
stty -g >after
"#;

/// Where a case runs.
struct Stage {
    tool: PathBuf,
    size: Size,
    scratch: Scratch,
}

/// Tries what needs no guest; one that fails does not keep the others from being tried.
pub(crate) fn run() -> Result<Tally> {
    let tool = artifacts::debug_kmodtrace()?;
    let mut tally = Tally::default();
    for size in SIZES {
        each(&tool, size, views::CASES, &mut tally)?;
    }
    for cases in [shell::CASES, looks::CASES, files::CASES] {
        each(&tool, SIZES[0], cases, &mut tally)?;
    }
    Ok(tally)
}

/// Tries what does: the view where modules are loaded.
pub(crate) fn in_guests() -> Result<Tally> {
    // Built before a terminal waits for it.
    artifacts::guest_programs()?;
    let mut tally = Tally::default();
    each(Path::new("kmodtrace"), CONSOLE, console::CASES, &mut tally)?;
    Ok(tally)
}

fn each(tool: &Path, size: Size, cases: &[Case], tally: &mut Tally) -> Result<()> {
    let (cols, rows) = size;
    for (name, case) in cases {
        let stage = Stage {
            tool: tool.to_owned(),
            size,
            scratch: Scratch::new()?,
        };
        tally.scenario(&format!("{name}, {cols}x{rows}"), case(&stage).map(|()| 0));
    }
    Ok(())
}

impl Stage {
    /// An empty directory of the case's own.
    fn dir(&self) -> &Path {
        self.scratch.path()
    }

    /// Starts a program in that directory.
    fn start(&self, command: &[&OsStr], environment: &[(&str, &str)]) -> Result<Terminal> {
        Terminal::start(&Run {
            command,
            dir: self.dir(),
            environment,
            size: self.size,
        })
    }

    /// Starts the view of a file.
    fn view(&self, file: &Path, more: &[&str], environment: &[(&str, &str)]) -> Result<Terminal> {
        let mut command = vec![self.tool.as_os_str(), OsStr::new("--from"), file.as_os_str()];
        command.extend(more.iter().map(OsStr::new));
        self.start(&command, environment)
    }

    /// The view of the storm, with its table.
    fn storm(&self) -> Result<Terminal> {
        let terminal = self.view(&recording(STORM), &[], &UTF8)?;
        terminal.shows(&["MODULE ", MODULE])?;
        Ok(terminal)
    }

    /// Starts the view of a file from a shell that looks what it does to the terminal.
    fn between_looks(&self, file: &Path) -> Result<Terminal> {
        let [sh, c, script, from] = ["sh", "-c", BETWEEN_LOOKS, "--from"].map(OsStr::new);
        self.start(&[sh, c, script, self.tool.as_os_str(), from, file.as_os_str()], &UTF8)
    }

    /// Waits for the end of that shell: the view's status, what it said, if anything, in one line about this, and the
    /// terminal as it was.
    fn ended_with(&self, terminal: &Terminal, status: &str, about: Option<&str>) -> Result<()> {
        terminal.ended()?;
        terminal.until_alternate(false)?;
        let (ended, said) = (self.wrote("status")?, self.wrote("said")?);
        let as_wanted = match about {
            Some(about) => said.lines().count() == 1 && said.contains(about),
            None => said.is_empty(),
        };
        ensure!(
            ended.trim() == status && as_wanted,
            "it ended with status {}, not {status}, and said {said:?}",
            ended.trim()
        );
        self.same_settings()
    }

    /// The terminal's settings are what they were.
    fn same_settings(&self) -> Result<()> {
        let (before, after) = (self.wrote("before")?, self.wrote("after")?);
        ensure!(
            !before.is_empty() && before == after,
            "the terminal's settings were {before}and are {after}"
        );
        Ok(())
    }

    /// What a case's program has written there.
    fn wrote(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.dir().join(name)).with_context(|| format!("no {name} was written"))
    }
}

/// Quits, and the program says that all went well.
fn quit(terminal: &Terminal) -> Result<()> {
    terminal.press(&["q"])?;
    let status = terminal.ended()?;
    ensure!(status == 0, "q ended it with status {status}:\n{}", terminal.text()?);
    Ok(())
}
