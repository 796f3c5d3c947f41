//! The running kernel: what it offers, attaching to it, and taking records out of the ring.
//!
//! Everything that touches aya is here, so that a newer one is a change in one folder.

pub(crate) mod attach;
mod bpf;
pub(crate) mod calls;
pub(crate) mod capability;
pub(crate) mod counters;
pub(crate) mod facts;
mod inside;
pub(crate) mod module_file;
mod multi;
mod perf;
mod preemption;
pub(crate) mod pump;
pub(crate) mod start;
mod tracefs;
