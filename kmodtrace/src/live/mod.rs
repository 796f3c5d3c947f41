//! The running kernel: what it offers, attaching to it, and taking records out of the ring.
//!
//! Everything that touches aya is here, so that a newer one is a change in one folder.

pub(crate) mod attach;
mod bpf;
mod calls;
pub(crate) mod capability;
mod cgroups;
pub(crate) mod counters;
mod drill;
pub(crate) mod facts;
mod in_flight;
pub(crate) mod machine;
pub(crate) mod module_file;
mod mount;
mod multi;
mod perf;
mod preemption;
pub(crate) mod privileges;
pub(crate) mod pump;
pub(crate) mod ready;
mod refused;
pub(crate) mod session;
mod start;
mod tracefs;
