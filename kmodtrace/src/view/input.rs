//! Keys, from a thread of their own.

use std::io;
use std::thread;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEvent};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc::UnboundedSender;

/// What the view is woken for.
#[derive(Debug)]
pub(super) enum Input {
    Key(KeyEvent),
    Mouse(MouseEvent),
    /// The last frame is on the terminal.
    Written,
    /// The terminal is gone.
    Closed,
}

/// Listens until the terminal goes away, or nobody wants to know any more.
pub(super) fn listen(to: UnboundedSender<Input>) -> io::Result<()> {
    let thread = thread::Builder::new().spawn(move || {
        while let Some(input) = next() {
            if to.send(input).is_err() {
                return;
            }
        }
        let _ = to.send(Input::Closed);
    });
    thread.map(drop)
}

/// How long crossterm looks for more of what has begun to come. Without any time it does not look at all.
const MORE: Duration = Duration::from_millis(5);

/// An Enter that was typed before the terminal was ours came through its line editing, which makes a newline of it.
fn meant(key: KeyEvent) -> KeyEvent {
    if (key.code, key.modifiers) == (KeyCode::Char('j'), KeyModifiers::CONTROL) {
        KeyCode::Enter.into()
    } else {
        key
    }
}

fn next() -> Option<Input> {
    loop {
        // crossterm reads a terminal that hung up again and again without end, so it is asked only when there is something.
        while event::poll(MORE).ok()? {
            match event::read().ok()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => return Some(Input::Key(meant(key))),
                Event::Mouse(event) => return Some(Input::Mouse(event)),
                _ => {}
            }
        }
        let stdin = io::stdin();
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        if fds[0].revents().intersects(gone) {
            return None;
        }
    }
}
