//! The list of metrics for people is that of the table.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::fs;
use std::path::Path;

use kmodtrace_metrics::prometheus::sample_name;
use kmodtrace_metrics::{Kind, METRICS, Unit};

#[test]
fn every_metric_is_in_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/monitoring.md");
    let page = fs::read_to_string(page).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `kmodtrace_")).collect();
    let wanted: Vec<String> = METRICS
        .iter()
        .map(|metric| {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Info => "info",
                Kind::Histogram => "histogram",
            };
            let unit = match metric.unit {
                Unit::Count => "",
                Unit::Seconds => "seconds",
                Unit::Bytes => "bytes",
            };
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let name = sample_name(metric);
            format!(
                "| `{name}` | {kind} | {unit} | {} | {} |",
                labels.join(", "),
                metric.help
            )
        })
        .collect();
    assert_eq!(rows, wanted);
}
