//! System calls that fail, one after the other, by strace.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::said::{Said, run};

const LOG: &str = "strace.log";

/// Memory is given by so many KiB more each time: less than that the C library does not ask the kernel for.
const KIB: u32 = 128;

/// What happens to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A system call fails with an errno.
    Fails(&'static str, &'static str),
    /// It is killed at a system call.
    Kills(&'static str),
    /// It and what it runs get so much memory and no more.
    Memory,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fails(call, errno) => write!(f, "{call} {errno}"),
            Self::Kills(call) => write!(f, "{call} killed"),
            Self::Memory => f.write_str("memory"),
        }
    }
}

impl Kind {
    /// The first place. With less memory than that there is no program yet.
    fn least(self) -> Result<u32> {
        for number in 1.. {
            if self != Self::Memory || run(self.faulty(number, &[]).args(["kmodtrace", "--version"]))?.status == 0 {
                return Ok(number);
            }
        }
        Ok(0)
    }

    /// What runs the command with this fault at this place.
    fn faulty(self, number: u32, files: &[PathBuf]) -> Command {
        let (call, what) = match self {
            Self::Fails(call, errno) => (call, format!("error={errno}")),
            Self::Kills(call) => (call, "signal=KILL".to_owned()),
            Self::Memory => {
                // Who waits for itself for ever is not to be waited for.
                let mut shell = Command::new("sh");
                shell
                    .args(["-c", "ulimit -d $0; exec timeout 60 \"$@\""])
                    .arg((number * KIB).to_string());
                return shell;
            }
        };
        let mut strace = Command::new("strace");
        strace.args(["-qq", "-o", LOG]).arg(format!("--trace={call}"));
        strace.arg(format!("--inject={call}:{what}:when={number}"));
        for file in files {
            strace.arg("-P").arg(file);
        }
        strace
    }
}

/// What is tried: a command, and the statuses that it may end with.
pub(crate) struct Subject<'s> {
    pub(crate) command: &'s [&'s str],
    /// Where it did what it is there for; the first where nothing failed.
    pub(crate) done: &'s [i32],
    /// Where it says that it did not.
    pub(crate) failed: &'s [i32],
    /// Only calls about these files count, where any are named.
    pub(crate) files: &'s [PathBuf],
}

impl Subject<'_> {
    /// Lets the command fail in each of these ways at the first place, then at the second, and so on until there is none left. `before`
    /// makes what it finds, `after` gets how it ended. Gives how many places there were, in words.
    pub(crate) fn fails(
        &self,
        kinds: &[Kind],
        mut before: impl FnMut() -> Result<()>,
        mut after: impl FnMut(Kind, &Said) -> Result<()>,
    ) -> Result<String> {
        let (mut all, mut words) = (0, Vec::new());
        for &kind in kinds {
            let (least, mut places) = (kind.least()?, 0);
            loop {
                let which = || format!("{kind} {}", places + 1);
                before().with_context(which)?;
                let said = run(kind
                    .faulty(least + places, self.files)
                    .args(self.command)
                    .env_remove("RUST_BACKTRACE"))?;
                if self.is_over(kind, &said)? {
                    break;
                }
                self.ended(kind, &said)
                    .and_then(|()| after(kind, &said))
                    .with_context(which)?;
                places += 1;
            }
            ensure!(places > 0, "{kind}: nothing can fail so");
            all += places;
            words.push(format!("{kind} {places}"));
        }
        Ok(format!("{all} faults ({})", words.join(", ")))
    }

    /// Whether nothing failed any more.
    fn is_over(&self, kind: Kind, said: &Said) -> Result<bool> {
        if kind == Kind::Memory {
            return Ok(self.done.first() == Some(&said.status));
        }
        let log = fs::read_to_string(LOG).context("strace left no log")?;
        Ok(!(log.contains("INJECTED") || log.contains("SIGKILL")))
    }

    /// Who is killed says nothing. Who has no memory may abort. All else is told in a line, with a status of its own.
    fn ended(&self, kind: Kind, said: &Said) -> Result<()> {
        match (kind, said.status) {
            (Kind::Kills(_), status) => ensure!(status == 137, "status {status}"),
            (Kind::Memory, 134) => ensure!(!said.stderr.is_empty(), "it aborts and says nothing"),
            (_, status) => {
                let failed = self.failed.contains(&status);
                ensure!(failed || self.done.contains(&status), "{said:?}");
                said.is_plain(failed)?;
            }
        }
        Ok(())
    }
}

/// No folder.
pub(crate) fn gone(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    Ok(())
}

/// An empty folder.
pub(crate) fn fresh(folder: &Path) -> Result<()> {
    gone(folder)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}
