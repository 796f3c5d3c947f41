//! What recordings come to: labels are those of the table, and counters only grow.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use kmodtrace_core::recording::Reader;
use kmodtrace_metrics::{Family, Kind, Labels, METRICS, Meter, Value};

/// Counters and counts of histograms.
fn sums(families: &[Family<'_>]) -> BTreeMap<(&'static str, Labels), u64> {
    let mut sums = BTreeMap::new();
    let growing = |family: &&Family<'_>| matches!(family.metric.kind, Kind::Counter | Kind::Histogram);
    for family in families.iter().filter(growing) {
        for (labels, value) in &family.samples {
            let value = match value {
                Value::Count(value) | Value::Nanoseconds(value) => *value,
                Value::Times(times) => times.count(),
            };
            sums.insert((family.metric.name, labels.clone()), value);
        }
    }
    sums
}

#[test]
fn labels_are_those_of_the_table_and_counters_only_grow() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kmodtrace-core/tests/recordings");
    let mut seen = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut reader = Reader::new(File::open(&path).unwrap()).unwrap();
        let mut header = reader.header().clone();
        header.host = Some("rack-7".to_owned());
        let mut meter = Meter::new(&header, 2);
        let (mut records, mut before) = (0_u32, BTreeMap::new());
        loop {
            let record = reader.next_record().unwrap();
            let is_last = record.is_none();
            match record {
                Some(record) => meter.push(record).unwrap(),
                None => meter.flush(),
            }
            records += 1;
            if is_last || records.is_multiple_of(97) {
                let families = meter.families();
                let now = sums(&families);
                for (key, value) in &before {
                    assert!(now.get(key) >= Some(value), "{}: {key:?} was {value}", path.display());
                }
                before = now;
                for family in families {
                    for labels in family.samples.keys() {
                        let names: Vec<&str> = labels.iter().map(|(name, _)| name.as_ref()).collect();
                        let wanted: Vec<&str> = family
                            .metric
                            .labels
                            .iter()
                            .copied()
                            .filter(|name| *name != "tag_*")
                            .collect();
                        assert_eq!(names, wanted, "{}", family.metric.name);
                        *seen.entry(family.metric.name).or_insert(0) += 1;
                    }
                }
            }
            if is_last {
                break;
            }
        }
    }
    // What no recording in the tree has is told, so that it is not forgotten where one has it.
    let missing = METRICS
        .iter()
        .map(|metric| metric.name)
        .filter(|name| !seen.contains_key(name));
    assert_eq!(missing.collect::<Vec<_>>(), ["refused_calls"]);
}

#[test]
fn what_is_known_at_the_end_alone_is_not_0_before() {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kmodtrace-core/tests/recordings/6.1-nested.kmt");
    let mut reader = Reader::new(File::open(recording).unwrap()).unwrap();
    let mut meter = Meter::new(reader.header(), 2);
    while let Some(record) = reader.next_record().unwrap() {
        meter.push(record).unwrap();
    }
    let knows = |meter: &Meter| {
        meter
            .families()
            .iter()
            .any(|family| family.metric.name == "missed_hits")
    };
    assert!(!knows(&meter));
    meter.flush();
    assert!(knows(&meter));
}
