//! What kmodtrace saw, as metrics.
//!
//! A [`Meter`] takes records, live or from a recording, and keeps sums. [`METRICS`] is the table of what is made of them:
//! [`Meter::families`] are its rows as they stand. [`prometheus`] writes these in the formats that Prometheus reads.
//!
//! Counters only grow while a meter lives; what may shrink is a gauge. What nobody watched has no family: it is a sample of `unobserved`
//! instead, never 0. Names of modules and requests have a bound, which those that came first keep to themselves.

#![forbid(unsafe_code)]

mod meter;
mod names;
pub mod prometheus;
mod samples;
mod table;

pub use meter::Meter;
pub use samples::{Kind, Labels, Unit, Value};
pub use table::{Family, METRICS, Metric};
