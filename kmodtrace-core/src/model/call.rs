//! Calls of functions that were asked for by name, and when their task had no processor meanwhile.

use super::span::Span;
use super::units::{Ktime, Tid};

/// The entry or return of a function that was asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallMark {
    /// Time of the entry or return.
    pub time: Ktime,
    /// Task that made the call.
    pub tid: Tid,
    /// Index of the function in the list of the recording's header.
    pub function: u32,
    /// Entry or return.
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

/// A span in which a task had no CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffCpu {
    /// Time without a CPU.
    pub span: Span,
    /// Whether the task could have run on; otherwise it slept.
    pub preempted: bool,
}
