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
