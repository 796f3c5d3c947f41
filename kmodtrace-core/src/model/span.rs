//! A span of time.

use super::units::{Ktime, Nanos};

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Time at which the span began.
    pub start: Ktime,
    /// Time at which it ended; absent while it lasts, or if its end was not seen.
    pub end: Option<Ktime>,
}

impl Span {
    /// A span that begins at this time and has not ended.
    pub fn from(start: Ktime) -> Self {
        Self { start, end: None }
    }

    /// Length of the span; absent while it lasts, or if its end was not seen.
    pub fn duration(self) -> Option<Nanos> {
        Some(self.end?.since(self.start))
    }
}
