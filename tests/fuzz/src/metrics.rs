//! Metrics: as they are in between and at the end, in every format.

use std::collections::BTreeSet;

use kmodtrace_core::recording::Header;
use kmodtrace_metrics::Meter;
use kmodtrace_metrics::prometheus::Format;

use crate::story::{RECORDED, records};
use crate::written::text;

/// Names that are told apart: fewer than a story has.
const NAMES: usize = 3;

/// Of a story.
pub(crate) fn run(bytes: &[u8]) {
    run_under(&RECORDED.header, bytes);
}

/// The same of a recording with this header.
pub(crate) fn run_under(header: &Header, bytes: &[u8]) {
    let mut meter = Meter::new(header, NAMES);
    for record in records(bytes) {
        meter.push(&record).unwrap();
    }
    look(&meter);
    meter.flush();
    look(&meter);
}

fn look(meter: &Meter) {
    let families = meter.families();
    for format in [Format::Text, Format::OpenMetrics] {
        let written = format.write(&families);
        let text = text(|out| std::io::Write::write_all(out, &written));
        let mut samples = BTreeSet::new();
        for line in text.lines().filter(|line| !line.starts_with("# ")) {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line:?}");
            assert!(sample.starts_with("kmodtrace_") && samples.insert(sample), "{line:?}");
        }
        assert_eq!(text.as_bytes(), written, "what acts");
    }
    assert!(!Format::Protobuf.write(&families).is_empty());
}
