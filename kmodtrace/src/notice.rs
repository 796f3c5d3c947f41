//! What somebody at a terminal is told while they wait. Programs and files that get stderr are not.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kmodtrace_core::text::printable;

use crate::failure::say;

/// Whoever waits longer wants to know for what.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a number changes.
const STEP: Duration = Duration::from_millis(200);

/// Whether there is somebody to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notices {
    shown: bool,
}

impl Notices {
    /// There is where stderr is a terminal and nobody asked for quiet.
    pub(crate) fn new(quiet: bool) -> Self {
        Self {
            shown: !quiet && stderr().is_terminal(),
        }
    }

    /// A line.
    pub(crate) fn say(self, text: &str) {
        if self.shown {
            say(text);
        }
    }

    /// Something begins that may take long; `total` is how much there is to do, where that is known.
    pub(crate) fn begin(self, what: String, total: Option<u64>) -> Progress {
        let done = Arc::new(AtomicU64::new(0));
        let watcher = self.shown.then(|| {
            let (end, ended) = mpsc::channel::<()>();
            let done = done.clone();
            let thread = thread::Builder::new().spawn(move || {
                let mut wait = PATIENCE;
                while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                    let so_far = total.map_or_else(String::new, |total| share(done.load(Ordering::Relaxed), total));
                    draw(&format!("kmodtrace: {what}{so_far}"));
                    wait = STEP;
                }
                if wait == STEP {
                    draw("");
                }
            });
            // Where there is no thread to be had, nobody is told.
            thread.ok().map(|thread| (end, thread))
        });
        let watcher = watcher.flatten();
        Progress { done, watcher }
    }
}

/// Something that may take long. Its line is there after a second, and goes when this is dropped.
pub(crate) struct Progress {
    done: Arc<AtomicU64>,
    watcher: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// So much is done.
    pub(crate) fn reached(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.watcher.take() {
            drop(end);
            // Whatever became of it, the line is no reason to fail.
            let _ = thread.join();
        }
    }
}

fn share(done: u64, total: u64) -> String {
    format!(" {} %", (done.saturating_mul(100) / total.max(1)).min(100))
}

/// The terminal may be gone, and then there is nobody to tell.
fn draw(text: &str) {
    let _ = stderr().write_all(format!("\r{}\x1b[K", printable(text)).as_bytes());
}
