//! What is longer than the screen, through a pager.

use std::env;
use std::io::{ErrorKind, IsTerminal as _, Write as _, stdout};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use rustix::termios::tcgetwinsize;

use super::{raw_stdout, written};

/// Where nobody names another: it ends at once with what fits the screen, shows colours, and leaves on the screen what it showed.
const PAGER: &str = "less -FRX";

/// Shows a text by the pager, or on stdout where it fits the screen or there is no pager.
pub(super) fn show(text: &[u8]) -> Result<()> {
    let pager = if is_long(text) { pager() } else { None };
    match pager {
        Some(pager) => page(pager, text),
        None => pass(text),
    }
}

/// Writes a text as it is.
pub(super) fn pass(text: &[u8]) -> Result<()> {
    written(raw_stdout().and_then(|mut out| out.write_all(text).and_then(|()| out.flush())))
}

/// Whether stdout has a screen.
pub(super) fn has_screen() -> bool {
    stdout().is_terminal()
}

fn is_long(text: &[u8]) -> bool {
    let rows = tcgetwinsize(stdout()).map_or(0, |size| usize::from(size.ws_row));
    rows > 0 && text.split(|byte| *byte == b'\n').nth(rows).is_some()
}

/// Starts it. None where nobody wants one, by an empty name, or where it is not there.
fn pager() -> Option<Child> {
    let named = ["KMODTRACE_PAGER", "PAGER"]
        .into_iter()
        .find_map(|name| env::var(name).ok());
    let named = named.unwrap_or_else(|| PAGER.to_owned());
    let mut words = named.split_whitespace();
    let mut command = Command::new(words.next()?);
    command.args(words).stdin(Stdio::piped()).spawn().ok()
}

/// Who has seen enough quits before the end, which is no error.
fn page(mut pager: Child, text: &[u8]) -> Result<()> {
    // Ctrl-C is for the pager. If it ended this process, the shell and the pager would read the terminal side by side.
    // SAFETY: no code of ours becomes a handler.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_IGN);
    }
    let written = pager.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text));
    pager.wait().context("cannot wait for the pager")?;
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to the pager"),
        _ => Ok(()),
    }
}
