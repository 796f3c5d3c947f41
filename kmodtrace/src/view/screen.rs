//! The terminal: taken over at the start, given back at every end.
//!
//! Bytes go to it from a thread of their own: a serial line, or a terminal that somebody stopped with Ctrl-S, takes as long
//! as it likes, and records must be taken from the ring meanwhile. A frame is made only when the one before has been
//! written, so a slow terminal gets fewer of them, and none is late.

use std::io::{self, Write};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};
use tokio::sync::mpsc::UnboundedSender;

use super::input::Input;
use super::last_words::{self, TAKEN};

/// Whether the mouse is ours with it.
static MOUSE: AtomicBool = AtomicBool::new(false);

/// A terminal that is taken over; dropping it gives it back.
pub(super) struct Screen {
    terminal: Option<Terminal<CrosstermBackend<Chunks>>>,
    unwritten: Arc<AtomicUsize>,
    writer: Option<JoinHandle<()>>,
}

impl Screen {
    /// Takes the terminal over. Each frame that has been written is told to `written`.
    pub(super) fn take(written: UnboundedSender<Input>, mouse: bool) -> Result<Self> {
        MOUSE.store(mouse, Ordering::SeqCst);
        let (sender, receiver) = channel();
        let unwritten = Arc::new(AtomicUsize::new(0));
        let chunks = Chunks {
            bytes: Vec::new(),
            unwritten: Arc::clone(&unwritten),
            sender,
        };
        let counter = Arc::clone(&unwritten);
        let writer = thread::Builder::new().spawn(move || write_all(&receiver, &counter, &written));
        let writer = writer.context("cannot start a thread")?;
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            restore();
            before(info);
        }));
        let entered = last_words::prepare().and_then(|()| enter());
        entered.context("cannot take over the terminal")?;
        let terminal = Terminal::new(CrosstermBackend::new(chunks)).inspect_err(|_| restore());
        Ok(Self {
            terminal: Some(terminal.context("cannot take over the terminal")?),
            unwritten,
            writer: Some(writer),
        })
    }

    /// Whether everything that was drawn has been written.
    pub(super) fn is_ready(&self) -> bool {
        self.unwritten.load(Ordering::Acquire) == 0
    }

    /// What it measures now.
    pub(super) fn area(&self) -> Option<Rect> {
        let size = self.terminal.as_ref()?.size().ok()?;
        Some(Rect::new(0, 0, size.width, size.height))
    }

    /// Draws a frame, and hands what changed to the thread that writes.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<()> {
        if let Some(terminal) = &mut self.terminal {
            terminal.draw(draw).context("cannot draw")?;
        }
        Ok(())
    }

    /// Draws everything with the next frame, whatever is on the terminal.
    pub(super) fn forget(&mut self) -> Result<()> {
        self.terminal
            .as_mut()
            .map_or(Ok(()), |terminal| terminal.clear().context("cannot draw"))
    }

    /// Gives the terminal to the shell and stops, until somebody goes on with this process.
    pub(super) fn suspend(&mut self) -> Result<()> {
        self.wait();
        restore();
        last_words::stop().context("cannot suspend")?;
        self.resume()
    }

    /// Takes the terminal over again, as after a stop.
    pub(super) fn resume(&mut self) -> Result<()> {
        restore();
        enter().context("cannot take over the terminal")?;
        self.forget()
    }

    /// Gives the terminal back, when everything has been written.
    pub(super) fn leave(&mut self) {
        // With the terminal goes the sender, and with that the thread.
        self.terminal = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
        restore();
    }

    fn wait(&self) {
        while !self.is_ready() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, Hide)?;
    if MOUSE.load(Ordering::SeqCst) {
        execute!(io::stdout(), EnableMouseCapture)?;
    }
    Ok(())
}

/// Gives the terminal back if it is ours. Where it is gone there is nothing to give back to.
fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        if MOUSE.load(Ordering::SeqCst) {
            let _ = execute!(io::stdout(), DisableMouseCapture);
        }
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// What is drawn, until it is flushed: then it is the writing thread's.
struct Chunks {
    bytes: Vec<u8>,
    unwritten: Arc<AtomicUsize>,
    sender: Sender<Vec<u8>>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        self.unwritten.fetch_add(1, Ordering::AcqRel);
        let sent = self.sender.send(std::mem::take(&mut self.bytes));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

fn write_all(chunks: &Receiver<Vec<u8>>, unwritten: &AtomicUsize, written: &UnboundedSender<Input>) {
    for chunk in chunks {
        let mut stdout = io::stdout().lock();
        let result = stdout.write_all(&chunk).and_then(|()| stdout.flush());
        drop(stdout);
        unwritten.fetch_sub(1, Ordering::AcqRel);
        let input = if result.is_ok() { Input::Written } else { Input::Closed };
        // Nobody listens any more when the view has ended.
        let _ = written.send(input);
    }
}
