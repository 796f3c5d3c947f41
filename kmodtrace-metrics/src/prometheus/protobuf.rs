//! Families as messages.

use std::borrow::Cow;

use kmodtrace_core::analysis::histogram::Histogram as Times;
use prost::Message as _;

use super::messages::{Bucket, COUNTER, GAUGE, HISTOGRAM, Histogram, LabelPair, Metric, MetricFamily, Number};
use super::names;
use super::native::{SCHEMA, ZERO_THRESHOLD, classic, spans};
use crate::samples::{Kind, Labels, Value};
use crate::table::Family;

/// Families, each behind its length.
pub(super) fn write(families: &[Family<'_>]) -> Vec<u8> {
    families
        .iter()
        .flat_map(|family| message(family).encode_length_delimited_to_vec())
        .collect()
}

fn message(family: &Family<'_>) -> MetricFamily {
    let kind = family.metric.kind;
    MetricFamily {
        name: Some(names::sample_name(family.metric)),
        help: Some(family.metric.help.to_owned()),
        kind: Some(match kind {
            Kind::Counter => COUNTER,
            Kind::Gauge | Kind::Info => GAUGE,
            Kind::Histogram => HISTOGRAM,
        }),
        metric: family
            .samples
            .iter()
            .map(|(labels, value)| metric(kind, labels, value))
            .collect(),
    }
}

fn metric(kind: Kind, labels: &Labels, value: &Value<'_>) -> Metric {
    let label = |(name, value): &(Cow<'static, str>, String)| LabelPair {
        name: Some(name.clone().into_owned()),
        value: Some(value.clone()),
    };
    let number = match value {
        #[expect(clippy::cast_precision_loss, reason = "the format has no other numbers")]
        Value::Count(count) => Some(*count as f64),
        Value::Nanoseconds(nanos) => Some(seconds(*nanos)),
        Value::Times(_) => None,
    };
    let number = number.map(|value| Number { value: Some(value) });
    let (counter, gauge) = if kind == Kind::Counter {
        (number, None)
    } else {
        (None, number)
    };
    Metric {
        label: labels.iter().map(label).collect(),
        gauge,
        counter,
        histogram: match value {
            Value::Times(times) => Some(histogram(times)),
            Value::Count(_) | Value::Nanoseconds(_) => None,
        },
    }
}

fn histogram(times: &Times) -> Histogram {
    let (positive_span, positive_delta) = spans(times);
    let bucket = classic(times).map(|(upper, count)| Bucket {
        cumulative_count: Some(count),
        upper_bound: Some(seconds(upper)),
    });
    Histogram {
        sample_count: Some(times.count()),
        sample_sum: Some(seconds(times.sum())),
        bucket: bucket.collect(),
        schema: Some(SCHEMA),
        zero_threshold: Some(ZERO_THRESHOLD),
        zero_count: Some(times.zeros()),
        positive_span,
        positive_delta,
    }
}

#[expect(clippy::cast_precision_loss, reason = "the format has no other numbers")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
