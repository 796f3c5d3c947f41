//! Distributions and outcomes, as JSON has them.

use schemars::JsonSchema;
use serde::Serialize;

use super::Outcomes;
use crate::analysis::aggregate::Calls;
use crate::analysis::histogram::Histogram;

/// A distribution; its quantiles are null when it is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub total: u64,
    /// Half were not longer.
    pub p50: Option<u64>,
    /// Nine of ten were not longer.
    pub p90: Option<u64>,
    /// 99 of 100 were not longer.
    pub p99: Option<u64>,
    /// The longest.
    pub max: Option<u64>,
    /// Where they lie, the smallest first; empty when there are none.
    pub buckets: Vec<BucketRow>,
}

/// Values above the bound of the bucket before it, and not above its own. Bounds grow by the sixteenth root of two, and are the
/// same everywhere; a bucket that holds nothing is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BucketRow {
    /// No value in here is above this, in nanoseconds.
    pub upper_ns: u64,
    /// How many.
    pub count: u64,
}

impl BucketRow {
    pub(super) fn all(histogram: &Histogram) -> Vec<Self> {
        let rows = histogram.buckets().map(|bucket| Self {
            upper_ns: bucket.upper,
            count: bucket.count,
        });
        rows.collect()
    }
}

impl Spread {
    pub(crate) fn new(histogram: &Histogram) -> Self {
        Self {
            count: histogram.count(),
            total: histogram.sum(),
            p50: histogram.quantile(0.5),
            p90: histogram.quantile(0.9),
            p99: histogram.quantile(0.99),
            max: histogram.max(),
            buckets: BucketRow::all(histogram),
        }
    }
}

pub(super) fn outcomes(calls: &Calls) -> Outcomes {
    calls
        .outcomes
        .iter()
        .map(|(errno, count)| (errno.name().into_owned(), *count))
        .collect()
}
