//! Runs beside runs.

pub mod bisect;
pub mod diff;
pub mod fleet;
