//! What came out of all parts.

use std::time::Duration;

use crate::{corpus::Counts, guest::Tally, schedule::Done};

/// A line for each part; failures last, where they are seen.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    lines: Vec<String>,
    failures: Vec<String>,
    passed: usize,
}

impl Summary {
    /// Prints what a part said, and keeps what came of it.
    pub(crate) fn add(&mut self, done: Done) {
        let Done { name, took, result } = done;
        let seconds = took.as_secs();
        let tally = result.unwrap_or_else(|error| Tally::failed(error.context("no result")));
        let Tally {
            scenarios,
            calls,
            corpus,
            died,
            lines,
            failures,
        } = tally;
        let failed = failures.len();
        let mut parts = vec![format!("{name}: {scenarios} scenarios"), format!("{failed} failed")];
        for (number, what) in [
            (calls, "calls compared"),
            (died, "guests ended by the emulator and run again"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        if corpus != Counts::default() {
            parts.push(format!("origins: {} exact and {} gaps", corpus.exact, corpus.gaps));
        }
        parts.push(format!("{seconds} s"));
        let line = parts.join(", ");
        for said in &lines {
            println!("{said}");
        }
        println!("{line}");
        self.lines.push(line);
        self.passed += scenarios.saturating_sub(failed);
        let failures = failures.iter().map(|failure| format!("{name}: {failure:#}"));
        self.failures.extend(failures.inspect(|failure| println!("{failure}")));
    }

    pub(crate) fn is_good(&self) -> bool {
        self.failures.is_empty()
    }

    /// All of it once more in one piece.
    pub(crate) fn print(&self, took: Duration) {
        println!();
        for line in self.lines.iter().chain(&self.failures) {
            println!("{line}");
        }
        let (passed, failed, seconds) = (self.passed, self.failures.len(), took.as_secs());
        println!("{passed} passed, {failed} failed, {seconds} s");
    }
}
