//! A real terminal for programs that draw on one: tmux without anybody at it, typed into and read from here.
//!
//! Nothing waits for a time to pass: what is waited for is on the screen, or becomes so, or the error shows the last screen.

use std::{
    ffi::OsStr,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use guest_vm::{
    paths::{self, Scratch},
    process,
};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

/// What tmux says it is: a terminal of 256 colours.
const TERM: &str = "tmux-256color";

/// Variables of the user's that change what is drawn, or that tmux takes for its own: a program sees only what it is given.
const NOT_INHERITED: [&str; 8] = [
    "LC_ALL",
    "LC_CTYPE",
    "LANG",
    "NO_COLOR",
    "COLORTERM",
    "TMUX",
    "TMUX_PANE",
    "PROMPT_COMMAND",
];

/// How long something may take on a machine that has other work.
const PATIENCE: Duration = Duration::from_mins(1);

/// Between two looks at the screen.
const POLL: Duration = Duration::from_millis(70);

/// Looks that find the same screen until it counts as still: more than the slowest view waits between two frames.
const STILL: u32 = 6;

/// Characters a line, and lines.
pub(crate) type Size = (u16, u16);

/// What is run in a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    /// The program and its arguments.
    pub(crate) command: &'a [&'a OsStr],
    /// Where it runs.
    pub(crate) dir: &'a Path,
    /// Variables that it sees beside the user's.
    pub(crate) environment: &'a [(&'a str, &'a str)],
    /// How large its terminal is.
    pub(crate) size: Size,
}

/// What ended a program.
enum End {
    Status(u8),
    Signal(String),
}

/// A terminal with a program in it. It ends with the value, and with this process.
#[derive(Debug)]
pub(crate) struct Terminal {
    server: Child,
    // Holds the server's socket.
    scratch: Scratch,
    patience: Duration,
}

impl Terminal {
    /// Starts a program in a terminal of its own.
    pub(crate) fn start(run: &Run<'_>) -> Result<Self> {
        let scratch = Scratch::new()?;
        let mut server = tmux(scratch.path())?;
        // In the foreground, so that it is a child of ours.
        server.arg("-D").stdin(Stdio::null()).stdout(Stdio::null());
        for name in NOT_INHERITED {
            server.env_remove(name);
        }
        server.envs(run.environment.iter().copied());
        // SAFETY: between fork and exec only prctl is called, which allocates nothing and takes no lock.
        unsafe {
            server.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
        }
        let terminal = Self {
            server: server.spawn().context("cannot start tmux")?,
            scratch,
            patience: PATIENCE,
        };
        terminal.wait_for_server()?;
        // What a program that ended has left on the screen stays there, and so does its status.
        terminal.tell(&["set-option", "-gw", "remain-on-exit", "on"])?;
        terminal.tell(&["set-option", "-g", "default-terminal", TERM])?;
        let (cols, rows) = run.size;
        let mut session = terminal.client()?;
        session.args(["new-session", "-d", "-x", &cols.to_string(), "-y", &rows.to_string()]);
        // env, because tmux would take a single word for the line of a shell.
        session.arg("-c").arg(run.dir).args(["--", "env"]).args(run.command);
        process::captured(&mut session)?;
        Ok(terminal)
    }

    /// Waits this long for what follows, instead of a minute.
    pub(crate) fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Types text as it is.
    pub(crate) fn types(&self, text: &str) -> Result<()> {
        self.tell(&["send-keys", "-l", "--", text])
    }

    /// Presses keys, as tmux names them: `q`, `Enter`, `Escape`, `C-z`.
    pub(crate) fn press(&self, keys: &[&str]) -> Result<()> {
        self.tell(&[&["send-keys", "--"], keys].concat())
    }

    /// Types a line for a shell.
    pub(crate) fn line(&self, text: &str) -> Result<()> {
        self.types(text)?;
        self.press(&["Enter"])
    }

    /// Makes it larger or smaller.
    pub(crate) fn resize(&self, (cols, rows): Size) -> Result<()> {
        self.tell(&["resize-window", "-x", &cols.to_string(), "-y", &rows.to_string()])
    }

    /// The screen, as text.
    pub(crate) fn text(&self) -> Result<String> {
        process::text(self.client()?.args(["capture-pane", "-p"]))
    }

    /// The screen, as text with the terminal's own sequences for colours and the like.
    pub(crate) fn styled(&self) -> Result<String> {
        process::text(self.client()?.args(["capture-pane", "-p", "-e"]))
    }

    /// Waits until the screen is such, and gives it. A program that has ended draws no more.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> Result<String> {
        self.wait(what, || {
            let ended = self.end()?.is_some();
            let screen = self.text()?;
            if holds(&screen) {
                return Ok(Some(screen));
            }
            ensure!(
                !ended,
                "{what}: the program has ended. The screen:\n{}",
                screen.trim_end()
            );
            Ok(None)
        })
    }

    /// Waits until all these texts are on the screen.
    pub(crate) fn shows(&self, texts: &[&str]) -> Result<String> {
        self.until(&format!("waiting for {texts:?}"), |screen| {
            texts.iter().all(|text| screen.contains(text))
        })
    }

    /// Waits until a text is on the screen no more.
    pub(crate) fn hides(&self, text: &str) -> Result<String> {
        self.until(&format!("waiting for {text:?} to go"), |screen| !screen.contains(text))
    }

    /// Waits until the screen changes no more, and gives it with the terminal's sequences.
    pub(crate) fn still(&self) -> Result<String> {
        let (mut last, mut same) = (String::new(), 0);
        self.wait("the screen does not come to rest", || {
            let now = self.styled()?;
            same = if now == last { same + 1 } else { 0 };
            last = now;
            Ok((same >= STILL).then(|| last.clone()))
        })
    }

    /// Whether a program draws on the terminal's other screen, the one that leaves no trace.
    pub(crate) fn is_alternate(&self) -> Result<bool> {
        Ok(self.ask("#{alternate_on}")? == "1")
    }

    /// Waits until a program has taken that screen, or has left it.
    pub(crate) fn until_alternate(&self, wanted: bool) -> Result<()> {
        let what = if wanted { "taken" } else { "left" };
        self.wait(&format!("the alternate screen is not {what}"), || {
            Ok((self.is_alternate()? == wanted).then_some(()))
        })
    }

    /// Waits until the program has ended, and gives its exit status.
    pub(crate) fn ended(&self) -> Result<u8> {
        match self.wait("the program does not end", || self.end())? {
            End::Status(status) => Ok(status),
            End::Signal(signal) => bail!("signal {signal} ended the program:\n{}", self.text()?.trim_end()),
        }
    }

    /// Looks again and again until there is something. The error shows the last screen.
    fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            if start.elapsed() > self.patience {
                bail!("{what}: time is up. The screen:\n{}", self.text()?.trim_end());
            }
            std::thread::sleep(POLL);
        }
    }

    /// How the program ended, once it has and tmux has heard of it.
    fn end(&self) -> Result<Option<End>> {
        // Now and then tmux 3.3 does not look when a child of its ends; told again, it does.
        if let Some(server) = i32::try_from(self.server.id()).ok().and_then(Pid::from_raw) {
            kill_process(server, Signal::CHILD).context("tmux is gone")?;
        }
        let said = self.ask("#{pane_dead_status} #{pane_dead_signal}")?;
        let (status, signal) = said.split_once(' ').unwrap_or((&said, ""));
        if !signal.is_empty() {
            return Ok(Some(End::Signal(signal.to_owned())));
        }
        Ok(status.parse().ok().map(End::Status))
    }

    fn ask(&self, format: &str) -> Result<String> {
        let said = process::text(self.client()?.args(["display-message", "-p", format]))?;
        Ok(said.strip_suffix('\n').unwrap_or(&said).to_owned())
    }

    fn tell(&self, arguments: &[&str]) -> Result<()> {
        process::captured(self.client()?.args(arguments)).map(drop)
    }

    /// A tmux that talks to this server, and starts none of its own.
    fn client(&self) -> Result<Command> {
        let mut command = tmux(self.scratch.path())?;
        command.arg("-N");
        Ok(command)
    }

    fn wait_for_server(&self) -> Result<()> {
        let start = Instant::now();
        while let Err(error) = self.tell(&["show-options", "-s", "escape-time"]) {
            if start.elapsed() > self.patience {
                return Err(error.context("tmux does not answer"));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // What runs in it is hung up on.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// A tmux with nobody's configuration, and a socket of its own in `dir`. Whatever the locale, it takes and gives UTF-8.
fn tmux(dir: &Path) -> Result<Command> {
    let program: PathBuf =
        paths::program("tmux").context("tmux is missing (package tmux): cargo xtask test installs it")?;
    let mut command = process::command(program, ["-u", "-L", "view", "-f", "/dev/null"]);
    command.env("TMUX_TMPDIR", dir);
    Ok(command)
}
