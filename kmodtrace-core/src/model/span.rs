//! A span of time.

use super::units::{Ktime, Nanos};

/// A span of time. The end is missing while it lasts, or when its record was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First instant.
    pub start: Ktime,
    /// Last instant.
    pub end: Option<Ktime>,
}

impl Span {
    /// Begins now.
    pub fn from(start: Ktime) -> Self {
        Self { start, end: None }
    }

    /// How long it was, once it is over.
    pub fn duration(self) -> Option<Nanos> {
        Some(self.end?.since(self.start))
    }
}
