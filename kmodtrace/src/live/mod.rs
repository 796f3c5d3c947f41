//! The running kernel: what it offers, attaching to it, and taking records out of the ring.
//!
//! Everything that touches aya is here, so that a newer one is a change in one folder.

pub mod attach;
pub mod capability;
pub mod counters;
pub mod facts;
pub mod pump;
