//! Answers to questions about what finished.

pub mod account;
pub mod aggregate;
pub mod causes;
pub mod drill;
pub mod findings;
pub mod graph;
pub mod histogram;
pub mod origin;
pub mod stages;
pub(crate) mod union;
pub mod waits;
pub mod why;
