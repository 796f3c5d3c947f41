//! The text formats: `OpenMetrics` 1.0 and 0.0.4.
//!
//! They differ in how counters are named in their head, in units and in the end. There are no types here that only one of them has: an info
//! is a gauge, since a reader of 0.0.4 refuses a whole file for a type that it does not know.

use std::fmt::Write as _;

use super::names;
use super::native::classic;
use crate::samples::{Kind, Labels, Value};
use crate::table::Family;

/// Families as text.
pub(super) fn write(families: &[Family<'_>], openmetrics: bool) -> String {
    let mut text = String::new();
    for family in families {
        // Writing into memory does not fail.
        let _ = write_family(family, openmetrics, &mut text);
    }
    if openmetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn write_family(family: &Family<'_>, openmetrics: bool, out: &mut String) -> std::fmt::Result {
    let metric = family.metric;
    let sample = names::sample_name(metric);
    let head = if openmetrics {
        names::family(metric)
    } else {
        sample.clone()
    };
    writeln!(out, "# HELP {head} {}", metric.help)?;
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge | Kind::Info => "gauge",
        Kind::Histogram => "histogram",
    };
    writeln!(out, "# TYPE {head} {kind}")?;
    let unit = names::unit(metric);
    if openmetrics && !unit.is_empty() {
        writeln!(out, "# UNIT {head} {unit}")?;
    }
    for (labels, value) in &family.samples {
        match value {
            Value::Count(count) => write_sample(out, &sample, "", labels, None, &count.to_string())?,
            Value::Nanoseconds(nanos) => write_sample(out, &sample, "", labels, None, &seconds(*nanos))?,
            Value::Times(times) => {
                for (upper, count) in classic(times) {
                    write_sample(
                        out,
                        &sample,
                        "_bucket",
                        labels,
                        Some(&seconds(upper)),
                        &count.to_string(),
                    )?;
                }
                let count = times.count().to_string();
                write_sample(out, &sample, "_bucket", labels, Some("+Inf"), &count)?;
                write_sample(out, &sample, "_sum", labels, None, &seconds(times.sum()))?;
                write_sample(out, &sample, "_count", labels, None, &count)?;
            }
        }
    }
    Ok(())
}

fn write_sample(
    out: &mut String,
    name: &str,
    part: &str,
    labels: &Labels,
    bound: Option<&str>,
    value: &str,
) -> std::fmt::Result {
    write!(out, "{name}{part}")?;
    let mut before = '{';
    let labels = labels.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
    for (name, value) in labels.chain(bound.map(|bound| ("le", bound))) {
        write!(out, "{before}{name}=\"")?;
        for c in value.chars() {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
        out.push('"');
        before = ',';
    }
    writeln!(out, "{} {value}", if before == ',' { "}" } else { "" })
}

/// Nanoseconds as seconds, with all their digits and without an exponent.
fn seconds(nanos: u64) -> String {
    let (whole, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:09}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_digit_of_a_time_is_lost() {
        for (nanos, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (131_072, "0.000131072"),
            (1_500_000_000, "1.5"),
            (20_000_000_000, "20"),
            (u64::MAX, "18446744073.709551615"),
        ] {
            assert_eq!(seconds(nanos), text);
        }
    }

    #[test]
    fn values_of_labels_are_quoted() {
        let labels = vec![("a".into(), "x\"\\".to_owned()), ("b".into(), String::new())];
        let mut text = String::new();
        assert!(write_sample(&mut text, "m", "_bucket", &labels, Some("1"), "2").is_ok());
        assert!(write_sample(&mut text, "m", "", &Vec::new(), None, "3").is_ok());
        assert_eq!(text, "m_bucket{a=\"x\\\"\\\\\",b=\"\",le=\"1\"} 2\nm 3\n");
    }
}
