//! `export openmetrics`: what is written, where, and what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kmodtrace_core::plan::Observed;
use serde_json::Value;

use crate::support::{file, run, sample, sample_without, scratch};

fn recording(name: &str) -> String {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kmodtrace-core/tests/recordings");
    tests.join(name).into_os_string().into_string().unwrap()
}

/// The samples of a counter, by what stands between its braces.
pub(crate) fn samples(text: &str, name: &str) -> BTreeMap<String, u64> {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
    let sample = |line: &str| {
        let (labels, value) = line.rsplit_once("} ")?;
        Some((labels.to_owned(), value.parse().unwrap()))
    };
    lines.filter_map(sample).collect()
}

#[test]
fn loads_are_those_of_the_report() {
    for name in [
        "6.1-nested.kmt",
        "6.12-stock-storm.kmt",
        "6.12-errors.kmt",
        "6.12-going.kmt",
    ] {
        let path = recording(name);
        let text = run(&["export", "openmetrics", &path]).quiet().to_owned();
        assert!(text.ends_with("\n# EOF\n"), "{text}");
        let report: Value = serde_json::from_str(run(&["report", "--json", &path]).quiet()).unwrap();
        let mut wanted = BTreeMap::new();
        for module in report["modules"].as_array().unwrap() {
            let name = module["name"].as_str().unwrap_or("(unknown)");
            for (outcome, count) in module["outcomes"].as_object().unwrap() {
                let labels = format!("module=\"{name}\",outcome=\"{outcome}\"");
                wanted.insert(labels, count.as_u64().unwrap());
            }
        }
        assert!(!wanted.is_empty());
        assert_eq!(samples(&text, "kmodtrace_loads_total"), wanted, "{name}");
    }
}

#[test]
fn what_nobody_watched_is_not_0() {
    let path = recording("6.1-nested.kmt");
    let text = run(&["export", "openmetrics", &path]).quiet().to_owned();
    let lost = text.lines().filter(|line| line.starts_with("kmodtrace_unobserved{"));
    assert_eq!(
        lost.collect::<Vec<_>>(),
        ["kmodtrace_unobserved{what=\"mutex_waits\"} 1"]
    );
    assert!(
        !text.contains("kind=\"mutex\"") && text.contains("kind=\"rcu\""),
        "{text}"
    );
    // Where all of a family is hidden there is none of it.
    let hidden = file(
        &scratch("export-unobserved"),
        "hidden.kmt",
        sample_without(Observed::InitTimes),
    );
    let text = run(&["export", "openmetrics", &hidden]).quiet().to_owned();
    assert!(
        !text.contains("kmodtrace_init_seconds") && text.contains("what=\"init_times\""),
        "{text}"
    );
}

#[test]
fn what_is_whole_of_a_recording_is_written() {
    let folder = scratch("export-cut");
    let mut bytes = sample(64).bytes;
    bytes.truncate(bytes.len() - 3);
    let cut = file(&folder, "cut.kmt", bytes);
    let done = run(&["export", "openmetrics", &cut]);
    assert!(
        done.stdout.ends_with("# EOF\n") && done.stderr.contains("what is whole is shown"),
        "{done:?}"
    );
}

#[test]
fn a_file_is_replaced_whole_and_for_all_to_read() {
    let folder = scratch("export");
    let path = folder.join("kmodtrace.prom");
    let name = path.to_str().unwrap();
    let from = file(&folder, "sample.kmt", sample(64).bytes);
    for _ in 0..2 {
        run(&["export", "openmetrics", &from, "-o", name, "--format", "prometheus"]).quiet();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# HELP kmodtrace_loads_total ") && !text.contains("# EOF"),
            "{text}"
        );
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o444, 0o444);
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    // Something else is kept.
    let refused = run(&["export", "openmetrics", &from, "-o", &from]);
    assert!(
        refused.refused(1).contains("is not a file of kmodtrace's metrics"),
        "{refused:?}"
    );
    assert_eq!(fs::read(&from).unwrap(), sample(64).bytes);
    std::os::unix::fs::symlink("nowhere", folder.join("link")).unwrap();
    let link = folder.join("link");
    run(&["export", "openmetrics", &from, "-o", link.to_str().unwrap()]).refused(1);
    run(&["export", "openmetrics", &from, "-o", "/nowhere/kmodtrace.prom"]).refused(1);
    run(&["export", "openmetrics", &from, "--modules", "0"]).refused(2);
}

#[test]
fn names_that_are_too_many_are_one() {
    let path = recording("6.12-stock-storm.kmt");
    let text = |modules| {
        run(&["export", "openmetrics", &path, "--modules", modules])
            .quiet()
            .to_owned()
    };
    let (all, few) = (text("100"), text("1"));
    let (all, few) = (
        samples(&all, "kmodtrace_loads_total"),
        samples(&few, "kmodtrace_loads_total"),
    );
    assert_eq!(all.values().sum::<u64>(), few.values().sum::<u64>());
    let modules = |samples: &BTreeMap<String, u64>| {
        let mut names: Vec<String> = samples
            .keys()
            .map(|labels| labels.split(',').next().unwrap().to_owned())
            .collect();
        names.dedup();
        names
    };
    assert!(modules(&all).len() > 2, "{all:?}");
    assert_eq!(
        (
            modules(&few).len(),
            few.keys().any(|labels| labels.starts_with("module=\"(others)\""))
        ),
        (2, true)
    );
}

#[test]
fn an_address_that_is_none_is_told_before_anything_is_read() {
    for (address, said) in [
        ("localhost:4318", "write it as http://HOST:PORT"),
        ("https://localhost:4318", "https is not spoken here"),
    ] {
        for command in [
            &["export", "otlp", address, "/nowhere"][..],
            &["serve", "--listen", "127.0.0.1:0", "--otlp", address],
        ] {
            let told = run(command);
            assert!(told.refused(2).contains(said), "{told:?}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_told_and_not_sent() {
    let told = run(&["export", "otlp", "http://127.0.0.1:1", "/nowhere.kmt"]);
    assert!(told.refused(1).contains("cannot read /nowhere.kmt"), "{told:?}");
}
