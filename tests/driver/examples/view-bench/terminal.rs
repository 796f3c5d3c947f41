//! A program on a pseudo terminal, and this end of it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::screen::Screen;

const ROWS: u16 = 40;
const COLUMNS: u16 = 120;
/// How long a program that was told to quit may take.
const QUITS: Duration = Duration::from_secs(10);

/// The terminal, and the program that runs on it until this is dropped.
pub(crate) struct Terminal {
    file: File,
    child: Child,
    screen: Screen,
    bytes: u64,
}

impl Terminal {
    /// Starts a program that has a new terminal as its own. Its errors go where ours go.
    pub(crate) fn run(command: &[OsString]) -> Result<Self> {
        let [program, arguments @ ..] = command else {
            bail!("no command")
        };
        let (ours, theirs) = open()?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("TERM", "xterm-256color")
            .stdin(theirs.try_clone().context("cannot share a terminal")?)
            .stdout(Stdio::from(theirs));
        // SAFETY: both calls may be made between fork and exec; they take no memory and no lock.
        unsafe { command.pre_exec(own_terminal) };
        let child = command
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Self {
            file: File::from(ours),
            child,
            screen: Screen::new(ROWS, COLUMNS),
            bytes: 0,
        })
    }

    pub(crate) fn pid(&self) -> Result<libc::pid_t> {
        Ok(libc::pid_t::try_from(self.child.id())?)
    }

    /// What it shows.
    pub(crate) fn screen(&self) -> &Screen {
        &self.screen
    }

    /// How many bytes were written to it.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes what is written until it shows what is looked for. False when that has not come in time.
    pub(crate) fn until(&mut self, end: Instant, mut found: impl FnMut(&Screen) -> bool) -> Result<bool> {
        while !found(&self.screen) {
            match self.wait(end)? {
                Heard::Bytes => {}
                Heard::Nothing => return Ok(false),
                Heard::End => bail!("the program ended"),
            }
        }
        Ok(true)
    }

    /// Takes what is written for so long.
    pub(crate) fn take(&mut self, span: Duration) -> Result<()> {
        self.until(Instant::now() + span, |_| false).map(drop)
    }

    /// Tells the program to quit, and waits for that.
    pub(crate) fn quit(mut self) -> Result<()> {
        self.file.write_all(b"q").context("cannot send a key")?;
        let end = Instant::now() + QUITS;
        while let Heard::Bytes = self.wait(end)? {}
        ensure!(Instant::now() < end, "the program does not quit");
        let status = self.child.wait().context("cannot wait for the program")?;
        ensure!(status.success(), "the program ended with {status}");
        Ok(())
    }

    fn wait(&mut self, end: Instant) -> Result<Heard> {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Heard::Nothing);
        }
        let mut poll = libc::pollfd {
            fd: self.file.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // One more: what is rounded down to 0 would not wait.
        let milliseconds = i32::try_from(left.as_millis() + 1)?;
        // SAFETY: it is one descriptor that the pointer is to.
        if unsafe { libc::poll(&raw mut poll, 1, milliseconds) } < 0 {
            return Err(io::Error::last_os_error()).context("cannot wait for the terminal");
        }
        if poll.revents == 0 {
            return Ok(Heard::Nothing);
        }
        let mut buffer = [0; 1 << 12];
        match self.file.read(&mut buffer) {
            Ok(read) => {
                self.bytes += read as u64;
                self.screen.write(&buffer[..read]);
                Ok(Heard::Bytes)
            }
            // Nobody has the other end open any more.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => Ok(Heard::End),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Heard::Bytes),
            Err(error) => Err(error).context("cannot read the terminal"),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that has ended already is left alone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came of waiting.
enum Heard {
    Bytes,
    Nothing,
    End,
}

/// Both ends of a new terminal. Programs get theirs by name only: one that kept ours open would never see it close.
fn open() -> Result<(OwnedFd, OwnedFd)> {
    let (mut ours, mut theirs) = (-1, -1);
    let mut size = libc::winsize {
        ws_row: ROWS,
        ws_col: COLUMNS,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let (name, modes) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: it writes both descriptors, reads the size, and leaves out what is null.
    let result = unsafe { libc::openpty(&raw mut ours, &raw mut theirs, name, modes, &raw mut size) };
    ensure!(
        result == 0,
        "cannot open a pseudo terminal: {}",
        io::Error::last_os_error()
    );
    // SAFETY: both were just opened, and nobody else has them.
    let ends = unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
    for end in [&ends.0, &ends.1] {
        // SAFETY: the call takes no pointer.
        let result = unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
        ensure!(
            result == 0,
            "cannot keep a terminal to ourselves: {}",
            io::Error::last_os_error()
        );
    }
    Ok(ends)
}

/// Makes stdin the controlling terminal of a new session.
fn own_terminal() -> io::Result<()> {
    // SAFETY: neither call takes a pointer.
    if unsafe { libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 } {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
