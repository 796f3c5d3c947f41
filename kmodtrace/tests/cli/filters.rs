//! The filters that commands have in common.

use serde_json::Value;

use crate::support::{file, run, sample, scratch};

/// A recording of eight pairs of loads on 6.1, whose init functions failed.
const RECORDING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../kmodtrace-core/tests/recordings/6.1-failing-init.kmt"
);

/// What a command prints as JSON of the recording, with these options.
fn json(command: &str, options: &[&str]) -> Value {
    let done = run(&[&[command, RECORDING, "--json"], options].concat());
    serde_json::from_str(done.quiet()).unwrap()
}

/// The rows of attempts in a report with these options.
fn attempts(options: &[&str]) -> Vec<Value> {
    let mut report = json("report", &[&["--attempts"], options].concat());
    let Value::Array(rows) = report["attempts"].take() else {
        panic!("{report}")
    };
    rows
}

/// A number of a row.
fn number(row: &Value, field: &str) -> u64 {
    row[field].as_u64().unwrap()
}

/// A time as options have it.
fn seconds(nanos: u64) -> String {
    format!("{}.{:09}s", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

/// Whether a row is what a filter asks for.
type Fits<'f> = &'f dyn Fn(&Value) -> bool;

#[test]
fn each_filter_takes_the_attempts_that_it_fits() {
    let all = attempts(&[]);
    let some = &all[all.len() / 2];
    let (tid, took) = (number(some, "tid"), number(some, "duration_ns"));
    let (start, end) = (number(some, "start_ns"), number(some, "end_ns"));
    let cases: [(&str, String, Fits<'_>); 6] = [
        ("--errno", "EBUSY".to_owned(), &|row| row["errno_name"] == "EBUSY"),
        ("--comm", "load-*".to_owned(), &|row| {
            row["comm"].as_str().is_some_and(|comm| comm.starts_with("load-"))
        }),
        ("--pid", tid.to_string(), &|row| {
            number(row, "tid") == tid || number(row, "tgid") == tid
        }),
        ("--min", seconds(took), &|row| number(row, "duration_ns") >= took),
        ("--since", seconds(end), &|row| number(row, "end_ns") >= end),
        ("--until", seconds(start), &|row| number(row, "start_ns") <= start),
    ];
    for (option, value, fits) in cases {
        let wanted: Vec<Value> = all.iter().filter(|row| fits(row)).cloned().collect();
        assert!(!wanted.is_empty(), "{option} {value}");
        assert_eq!(attempts(&[option, &value]), wanted, "{option} {value}");
        let lines = run(&["-q", "trace", RECORDING, option, &value]);
        assert_eq!(lines.attempts(), wanted.len(), "{option} {value}: {}", lines.quiet());
    }
    assert!(attempts(&["--comm", "nobody"]).is_empty());
    assert_eq!(
        attempts(&[
            "--until",
            &seconds(end),
            "--since",
            &seconds(start),
            "--pid",
            &tid.to_string()
        ])
        .len(),
        1
    );
}

#[test]
fn counts_of_a_report_are_those_of_what_it_takes() {
    let sum = |options: &[&str]| -> u64 {
        let report = json("report", options);
        let modules = report["modules"].as_array().unwrap().iter();
        modules.map(|module| number(module, "attempts")).sum()
    };
    assert_eq!(sum(&["--errno", "EBUSY"]), attempts(&["--errno", "EBUSY"]).len() as u64);
    assert!(sum(&[]) > sum(&["--errno", "EBUSY"]));
}

#[test]
fn times_count_from_where_text_counts_them() {
    let all = attempts(&[]);
    let first = number(&all[0], "end_ns");
    let recording = json("report", &[]);
    let zero = number(&recording["recording"], "began_ns");
    let after = seconds(first - zero + 1);
    let relative = attempts(&["--time", "relative", "--since", &after]);
    assert_eq!(relative, attempts(&["--since", &seconds(first + 1)]));
    assert_eq!(relative, all[1..]);
}

/// Each time of the calendar lists what the same time after the kernel's start does.
#[test]
fn times_may_be_those_of_the_calendar() {
    let all = attempts(&[]);
    let recording = json("report", &[]);
    let began = |clock| number(&recording["recording"], clock);
    let end = number(&all[all.len() / 2], "end_ns");
    let unix = end - began("began_ns") + began("began_unix_ns");
    let (second, fraction) = (unix / 1_000_000_000, unix % 1_000_000_000);
    let calendar = kmodtrace_core::model::calendar(second);
    let (_, of_day) = calendar.split_once(' ').unwrap();
    let (since, until) = (
        attempts(&["--since", &seconds(end)]),
        attempts(&["--until", &seconds(end)]),
    );
    assert!(since.len() < all.len() && since.len() > 1 && since.iter().all(|row| number(row, "end_ns") >= end));
    for time in [
        format!("{calendar}.{fraction:09}"),
        format!("{}.{fraction:09}Z", calendar.replace(' ', "T")),
        format!("{of_day}.{fraction:09}"),
        format!("@{second}.{fraction:09}"),
    ] {
        assert_eq!(attempts(&["--since", &time]), since, "{time}");
        assert_eq!(attempts(&["--until", &time]), until, "{time}");
        let lines = run(&["-q", "trace", RECORDING, "--since", &time]);
        assert_eq!(lines.attempts(), since.len(), "{time}");
    }
    assert!(attempts(&["--since", "2100-01-01"]).is_empty());
    assert_eq!(attempts(&["--since", "2000-01-01"]), all);
}

#[test]
fn a_clock_that_was_not_set_tells_no_time_of_day() {
    let path = file(&scratch("clock"), "storm", sample(16).bytes);
    for command in ["report", "why", "graph", "trace"] {
        let done = run(&[command, &path, "--since", "04:12:05"]);
        assert!(done.refused(1).contains("the clock was not set"), "{done:?}");
        assert_eq!(run(&["-q", command, &path, "--since", "1ms"]).status, Some(0));
    }
}

#[test]
fn a_failure_that_is_asked_for_is_explained_by_others() {
    let busy = &attempts(&["--errno", "EBUSY"])[0];
    let pid = number(busy, "tid").to_string();
    for why in [
        json("why", &["--pid", &pid])["causes"].take(),
        json("report", &["--pid", &pid])["failures"].take(),
    ] {
        let causes = why.as_array().unwrap();
        assert!(causes.len() == 1 && causes[0]["count"] == 1, "{why}");
        assert_eq!(causes[0]["attempts"][0], busy["id"]);
        assert!(why.to_string().contains("which ended with ENODEV"), "{why}");
    }
    assert_eq!(json("why", &["--comm", "nobody"])["causes"], Value::Array(Vec::new()));
}

#[test]
fn a_graph_has_the_waits_of_what_it_takes() {
    let waited = |options: &[&str]| json("graph", options)["edges"].as_array().unwrap().len();
    assert!(waited(&[]) > 0 && waited(&["--comm", "nobody"]) == 0);
    let busy = &attempts(&["--errno", "EBUSY"])[0];
    let pid = number(busy, "tid").to_string();
    let graph = json("graph", &["--pid", &pid]);
    let edges = graph["edges"].as_array().unwrap();
    assert!(
        !edges.is_empty() && edges.iter().all(|edge| edge["count"] == 1),
        "{graph}"
    );
}

#[test]
fn what_is_no_filter_is_refused() {
    for (args, said) in [
        (["--errno", "256"], "`256` is not an errno"),
        (["--pid", "modprobe"], "--pid"),
        (["--min", "1d"], "unknown unit"),
        (["--since", "noon"], "`noon` is not a time"),
        (["--until", "04:60"], "`04:60` is not a time"),
    ] {
        for command in ["report", "why", "graph", "trace"] {
            let done = run(&[&[command, RECORDING], &args[..]].concat());
            assert!(done.refused(2).contains(said), "{done:?}");
        }
    }
}
