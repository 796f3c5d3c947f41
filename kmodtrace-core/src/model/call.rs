//! Calls of functions that were asked for by name, and when their task had no processor meanwhile.

use super::span::Span;
use super::units::{Ktime, Tid};

/// The entry or return of a function that was asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallMark {
    /// When.
    pub time: Ktime,
    /// In which task.
    pub tid: Tid,
    /// Its place in the list of functions of the recording's header.
    pub function: u32,
    /// Which of both.
    pub edge: CallEdge,
}

/// The entry or the return of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEdge {
    /// Its entry.
    Enter {
        /// Where the function lies. Only how far places are apart means something.
        at: u64,
        /// Where it will return to.
        from: u64,
    },
    /// Its return, and the register that it returned; none where that may hold an address.
    Exit(Option<i64>),
}

/// When the task had no processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffCpu {
    /// When.
    pub span: Span,
    /// Whether it could have gone on; else it slept.
    pub preempted: bool,
}
