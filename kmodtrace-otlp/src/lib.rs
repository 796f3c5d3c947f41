//! What kmodtrace recorded, in the words of OpenTelemetry, and the way there.
//!
//! Metrics are those of [`kmodtrace_metrics`], with exponential histograms whose buckets are our own. A recording is a trace: a span for the boot or the recording, in it one for each load, unload and request, in these their stages, helpers
//! and waits. A wait has a link to the span of whom it was for. The semantic conventions of OpenTelemetry name what they have a
//! name for; everything else begins with `kmodtrace.`.

mod attributes;
mod ids;
mod metrics;
mod post;
mod resource;
mod traces;

pub use metrics::metrics;
pub use post::{Endpoint, PostError};
pub use traces::Traces;
