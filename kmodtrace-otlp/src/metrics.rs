//! Sums of a meter, as metrics.

use kmodtrace_core::analysis::histogram::Histogram;
use kmodtrace_core::report::{KernelRow, RecordingRow};
use kmodtrace_metrics::{Family, Kind, Labels, Meter, Unit, Value};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use prost::Message as _;

use crate::attributes::Attributes;
use crate::resource::{resource, scope};

/// The resolution of our buckets, as exponential histograms have it.
const SCALE: i32 = 4;

/// All metrics as of this time, in nanoseconds since 1970, as the body of a request to `/v1/metrics`. They add up from the beginning of the
/// recording on. What texts say of the machine and its kernel is in the resource.
pub fn metrics(meter: &Meter, kernel: &KernelRow, recording: &RecordingRow, now_ns: u64) -> Vec<u8> {
    let times = Times {
        start: recording.began_unix_ns,
        now: now_ns.max(recording.began_unix_ns),
    };
    let families = meter.families();
    let told = families.iter().filter(|family| family.metric.kind != Kind::Info);
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource(kernel, recording)),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope(recording)),
                metrics: told.map(|family| times.metric(family)).collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    request.encode_to_vec()
}

/// From when to when all points are.
#[derive(Clone, Copy)]
struct Times {
    start: u64,
    now: u64,
}

impl Times {
    fn metric(self, family: &Family<'_>) -> Metric {
        let temporality = AggregationTemporality::Cumulative.into();
        let data = match family.metric.kind {
            Kind::Counter => metric::Data::Sum(Sum {
                data_points: self.numbers(family),
                aggregation_temporality: temporality,
                is_monotonic: true,
            }),
            Kind::Gauge | Kind::Info => metric::Data::Gauge(Gauge {
                data_points: self.numbers(family),
            }),
            Kind::Histogram => metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: self.distributions(family),
                aggregation_temporality: temporality,
            }),
        };
        // In nanoseconds: buckets of seconds at the same scale have bounds between theirs.
        let unit = match family.metric.unit {
            Unit::Count => "1",
            Unit::Seconds => "ns",
            Unit::Bytes => "By",
        };
        Metric {
            name: format!(
                "kmodtrace.{}{}",
                family.metric.name,
                if unit == "ns" { "_time" } else { "" }
            ),
            description: family.metric.help.to_owned(),
            unit: unit.to_owned(),
            data: Some(data),
            ..Metric::default()
        }
    }

    fn numbers(self, family: &Family<'_>) -> Vec<NumberDataPoint> {
        let point = |(labels, value): (&Labels, &Value<'_>)| match value {
            Value::Count(number) | Value::Nanoseconds(number) => Some(NumberDataPoint {
                attributes: attributes(labels),
                start_time_unix_nano: self.start,
                time_unix_nano: self.now,
                value: Some(number_data_point::Value::AsInt(
                    i64::try_from(*number).unwrap_or(i64::MAX),
                )),
                ..NumberDataPoint::default()
            }),
            Value::Times(_) => None,
        };
        family.samples.iter().filter_map(point).collect()
    }

    fn distributions(self, family: &Family<'_>) -> Vec<ExponentialHistogramDataPoint> {
        let point = |(labels, value): (&Labels, &Value<'_>)| match value {
            Value::Times(times) => Some(ExponentialHistogramDataPoint {
                attributes: attributes(labels),
                start_time_unix_nano: self.start,
                time_unix_nano: self.now,
                ..distribution(times)
            }),
            Value::Count(_) | Value::Nanoseconds(_) => None,
        };
        family.samples.iter().filter_map(point).collect()
    }
}

/// Bucket for bucket the same: number `i` here is `i - 1` there.
#[expect(clippy::cast_precision_loss, reason = "sums are floats there, exact up to 104 days")]
fn distribution(times: &Histogram) -> ExponentialHistogramDataPoint {
    let mut buckets = Buckets::default();
    for (number, count) in times.exponential() {
        let number = i32::from(number) - 1;
        if buckets.bucket_counts.is_empty() {
            buckets.offset = number;
        }
        let place = usize::try_from(number - buckets.offset).unwrap_or_default();
        buckets.bucket_counts.resize(place, 0);
        buckets.bucket_counts.push(count);
    }
    ExponentialHistogramDataPoint {
        count: times.count(),
        sum: Some(times.sum() as f64),
        scale: SCALE,
        zero_count: times.zeros(),
        positive: Some(buckets),
        min: times.min().map(|least| least as f64),
        max: times.max().map(|most| most as f64),
        ..ExponentialHistogramDataPoint::default()
    }
}

fn attributes(labels: &Labels) -> Vec<KeyValue> {
    let all = labels.iter().fold(Attributes::default(), |all, (name, value)| {
        all.text(&format!("kmodtrace.{name}"), Some(value))
    });
    all.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_the_values() {
        let mut times = Histogram::default();
        for value in [0, 1, 2, 2, 1_000_000, u64::MAX] {
            times.record(value);
        }
        let point = distribution(&times);
        assert_eq!((point.count, point.zero_count, point.scale), (6, 1, 4));
        let Some(Buckets { offset, bucket_counts }) = point.positive else {
            unreachable!("it has buckets");
        };
        let occupied = bucket_counts.iter().zip(offset..).filter(|(count, _)| **count > 0);
        for ((count, index), value) in occupied.zip([1.0, 2.0, 1e6, 18_446_744_073_709_551_615.0]) {
            // As the protocol defines them: (base^index, base^(index+1)].
            let bound = |index: i32| 2_f64.powf(f64::from(index) / 16.0);
            let inside = bound(index) < value * (1.0 + 1e-12) && value <= bound(index + 1) * (1.0 + 1e-12);
            assert!(inside, "{count} at {index} for {value}");
        }
        assert_eq!(bucket_counts.iter().sum::<u64>(), 5);
    }
}
