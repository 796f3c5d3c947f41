//! The running kernel: what it offers, attaching to it, and taking records out of the ring.
//!
//! Everything that touches aya is here, so that a newer one is a change in one folder.

pub(crate) mod attach;
pub(crate) mod calls;
pub(crate) mod capability;
pub(crate) mod counters;
pub(crate) mod facts;
mod inside;
pub(crate) mod module_file;
pub(crate) mod pump;
pub(crate) mod start;
mod tracefs;
