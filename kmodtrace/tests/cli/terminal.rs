//! A terminal that the program runs on.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::ptr::{null, null_mut};

/// Both ends of a terminal.
pub(crate) struct Terminal {
    screen: File,
    line: OwnedFd,
    /// What was read, and not waited for yet.
    unseen: String,
}

impl Terminal {
    /// A new one with so many rows and columns.
    pub(crate) fn new(rows: u16, columns: u16) -> Self {
        let (mut screen, mut line) = (-1, -1);
        let size = libc::winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // SAFETY: it writes two descriptors into what lives here, and reads a size that does.
        let opened = unsafe { libc::openpty(&raw mut screen, &raw mut line, null_mut(), null(), &raw const size) };
        assert_eq!(opened, 0);
        // SAFETY: both are open, and nobody else has them.
        let (screen, line) = unsafe { (File::from_raw_fd(screen), OwnedFd::from_raw_fd(line)) };
        Self {
            screen,
            line,
            unseen: String::new(),
        }
    }

    /// An end for a program.
    pub(crate) fn line(&self) -> File {
        self.line.try_clone().unwrap().into()
    }

    /// Reads until this is on the screen: what was written up to there, behind what was waited for before.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.unseen.find(text) {
                let rest = self.unseen.split_off(at + text.len());
                return std::mem::replace(&mut self.unseen, rest);
            }
            let more = self
                .read()
                .unwrap_or_else(|| panic!("no {text:?} in {:?}", self.unseen));
            // As every terminal answers, at once, where its cursor is.
            for _ in more.matches("\u{1b}[6n") {
                self.screen.write_all(b"\x1b[1;1R").unwrap();
            }
            self.unseen.push_str(&more);
        }
    }

    /// Closes this end of the program's side, and reads until nobody else has it: the rest.
    pub(crate) fn rest(self) -> String {
        let Self {
            mut screen,
            line,
            unseen,
        } = self;
        drop(line);
        std::iter::once(unseen)
            .chain(std::iter::from_fn(|| read(&mut screen)))
            .collect()
    }

    fn read(&mut self) -> Option<String> {
        read(&mut self.screen)
    }
}

/// None where the other side is gone.
fn read(screen: &mut File) -> Option<String> {
    let mut bytes = [0; 4096];
    let length = screen.read(&mut bytes).ok().filter(|length| *length > 0)?;
    Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
}
