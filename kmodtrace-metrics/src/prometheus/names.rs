//! Names by Prometheus' conventions.

use crate::samples::{Kind, Unit};
use crate::table::Metric;

/// What the names of all metrics begin with.
const PROGRAM: &str = "kmodtrace";

/// The name of a unit behind that of a metric; empty for a number.
pub(super) fn unit(metric: &Metric) -> &'static str {
    match metric.unit {
        Unit::Count => "",
        Unit::Seconds => "seconds",
        Unit::Bytes => "bytes",
    }
}

/// The name of a family in `OpenMetrics`: without what its samples add.
pub(super) fn family(metric: &Metric) -> String {
    let unit = unit(metric);
    let underscore = if unit.is_empty() { "" } else { "_" };
    let info = if metric.kind == Kind::Info { "_info" } else { "" };
    format!("{PROGRAM}_{}{underscore}{unit}{info}", metric.name)
}

/// The name of the samples of a metric, such as `kmodtrace_wait_seconds_total`; those of a histogram have `_bucket`, `_sum` and `_count`
/// behind it.
pub fn sample_name(metric: &Metric) -> String {
    let total = if metric.kind == Kind::Counter { "_total" } else { "" };
    family(metric) + total
}
