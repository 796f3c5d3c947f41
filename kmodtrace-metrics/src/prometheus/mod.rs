//! The formats that Prometheus reads.
//!
//! Names follow its conventions: the program's, then the metric's, the unit, and `_total` or `_info`. Times are seconds.
//!
//! Histograms are written as classic ones everywhere, and in [`Format::Protobuf`] as native ones too. Bounds of classic ones are powers of
//! two of nanoseconds, which are bounds of our own buckets: their counts are exact. Native ones have schema 4, as our buckets have, so each
//! of ours is one of theirs, and counts, sum and resolution stay. But a second is no power of two of nanoseconds: 16 log2(10^9) is 478.36,
//! and a bucket is moved by 478. Its bounds are told 1.6 % higher than they are.

mod messages;
mod names;
mod native;
mod negotiate;
mod protobuf;
mod text;

pub use names::sample_name;
pub use negotiate::accepted;

use crate::table::Family;

/// How families are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format 0.0.4, which `node_exporter`'s textfile collector reads.
    Text,
    /// `OpenMetrics` 1.0. What reads only the text format 0.0.4 reads this too, but sees no types of counters.
    OpenMetrics,
    /// Messages `io.prometheus.client.MetricFamily`, each behind its length.
    Protobuf,
}

impl Format {
    /// As HTTP names it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// These families in it.
    pub fn write(self, families: &[Family<'_>]) -> Vec<u8> {
        match self {
            Self::Text | Self::OpenMetrics => text::write(families, self == Self::OpenMetrics).into_bytes(),
            Self::Protobuf => protobuf::write(families),
        }
    }
}
