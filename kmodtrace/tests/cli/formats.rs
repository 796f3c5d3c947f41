//! Every way to show a recording. What exactly the formats hold is tested where they are made; here is that each comes out of
//! the program, and what its options do.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{done, file, kmodtrace, run, sample, scratch};

const ATTEMPTS: u64 = 400;

/// The output of a command that reads a recording of a storm.
fn shown(test: &str, args: &[&str]) -> String {
    let path = file(&scratch(test), "storm.kmt", sample(ATTEMPTS).bytes);
    run(&[args, &["--from", &path]].concat()).quiet().to_owned()
}

fn modules(json: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(json).unwrap();
    let modules = report["modules"].as_array().unwrap();
    modules
        .iter()
        .map(|module| module["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Rows are made while the recording is read again, which a pipe cannot be.
#[test]
fn a_pipe_gives_the_rows_that_a_file_does() {
    let path = file(&scratch("pipe"), "storm.kmt", sample(ATTEMPTS).bytes);
    for format in ["text", "json", "jsonl", "csv"] {
        let args = ["report", "--attempts", "--format", format, "--from"];
        let of_file = run(&[&args[..], &[&path]].concat());
        let mut cat = Command::new("cat").arg(&path).stdout(Stdio::piped()).spawn().unwrap();
        let mut command = kmodtrace(&[&args[..], &["-"]].concat());
        command.stdin(cat.stdout.take().unwrap());
        assert_eq!(done(command).quiet(), of_file.quiet());
        assert!(cat.wait().unwrap().success());
    }
}

#[test]
fn json_is_one_object() {
    let text = shown("json", &["report", "--format", "json", "--attempts"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["schema"], "kmodtrace.report/1");
    assert_eq!(report["kernel"]["release"], "6.1.0-56-cloud-amd64");
    assert_eq!(report["quality"]["lost"], 0);
    let calls = report["attempts"].as_array().unwrap().len() as u64;
    let counted = report["modules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|module| module["attempts"].as_u64().unwrap());
    // Three rounds of four end with an unload, which is no attempt to load.
    assert_eq!((calls, counted.sum::<u64>()), (ATTEMPTS - 37, ATTEMPTS - 37));
}

#[test]
fn json_is_asked_for_in_the_same_words_everywhere() {
    let path = file(&scratch("words"), "storm.kmt", sample(ATTEMPTS).bytes);
    for args in [
        &["report", "--from", &path][..],
        &["why", "--from", &path],
        &["graph", "--from", &path],
        &["diff", &path, &path],
        &["explain", "EBUSY"],
        &["check", "--facts", "../kmodtrace-core/tests/facts/6.1.json"],
    ] {
        let shown = |more: &[&str]| run(&[args, more].concat()).quiet().to_owned();
        let json = shown(&["--format", "json"]);
        assert!(serde_json::from_str::<Value>(&json).is_ok(), "{args:?}: {json}");
        assert_eq!(shown(&["--json"]), json, "{args:?}");
        assert_eq!(shown(&["--format", "text"]), shown(&[]), "{args:?}");
        assert_ne!(shown(&[]), json, "{args:?}");
    }
}

/// Sums of what is of this kind in a trace for viewers and in the report, in nanoseconds.
fn shown_for<'r>(events: &[Value], kind: &str, rows: impl Iterator<Item = &'r Value>) -> [u64; 2] {
    // The report's times are whole nanoseconds, the trace's microseconds with three decimals.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "durations of a test"
    )]
    let nanos = |event: &Value| (event["dur"].as_f64().unwrap() * 1_000.0).round() as u64;
    let of_kind = events.iter().filter(|event| event["cat"] == kind && event["ph"] == "X");
    [
        of_kind.map(nanos).sum(),
        rows.filter_map(|row| row["duration_ns"].as_u64()).sum(),
    ]
}

#[test]
fn a_trace_for_viewers_has_what_the_report_has() {
    let read = |args: &[&str]| serde_json::from_str::<Value>(&shown("viewers", args)).unwrap();
    let trace = read(&["report", "--format", "chrome"]);
    let report = read(&["report", "--format", "json", "--attempts"]);
    let events = trace["traceEvents"].as_array().unwrap();
    let rows = |key: &str| report[key].as_array().unwrap().iter();
    let [loads, reported] = shown_for(events, "load", rows("attempts"));
    assert!(loads > 0 && loads == reported, "{loads} {reported}");
    let calls = || rows("attempts").chain(rows("unloads"));
    let stages = calls().flat_map(|row| row["stages"].as_array().unwrap());
    let [stages, reported] = shown_for(events, "stage", stages);
    assert!(stages > 0 && stages == reported, "{stages} {reported}");
    let count = |ph: &str| {
        events
            .iter()
            .filter(|event| event["cat"] == "wait" && event["ph"] == ph)
            .count()
    };
    let waits: usize = calls().map(|row| row["waits"].as_array().unwrap().len()).sum();
    assert!(waits > 0 && count("b") == waits && count("e") == waits);
    assert!(count("s") > 0 && count("s") == count("f"), "arrows");
    assert_eq!(trace["otherData"]["quality"], report["quality"]);
}

#[test]
fn jsonl_is_an_object_a_line() {
    let text = shown("jsonl", &["report", "--format", "jsonl"]);
    let values: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        values.len() > 2 && values.iter().all(|value| value["type"].is_string()),
        "{text}"
    );
}

#[test]
fn csv_has_as_many_cells_in_every_row() {
    for args in [
        &["report", "--format", "csv"][..],
        &["report", "--format", "csv", "--attempts"],
    ] {
        let text = shown("csv", args);
        let cells: BTreeSet<usize> = text.lines().map(|row| row.split(',').count()).collect();
        assert!(cells.len() == 1 && text.lines().count() > 2, "{cells:?}: {text}");
    }
}

#[test]
fn tables_hold_the_modules_and_bars_are_added() {
    let names = modules(&shown("table", &["report", "--json"]));
    let table = shown("table", &["report"]);
    assert!(names.iter().all(|name| table.contains(name)), "{table}");
    let bars = shown("table", &["report", "--histogram"]);
    assert!(bars.starts_with(&table) && bars.contains("|**"), "{bars}");
}

#[test]
fn trace_prints_a_line_for_every_attempt() {
    let path = file(&scratch("trace"), "storm.kmt", sample(ATTEMPTS).bytes);
    let done = run(&["trace", "--from", &path]);
    assert_eq!(done.status, Some(0));
    assert_eq!(done.stderr, "kmodtrace: lost 0, missed 0, clipped 0\n");
    assert_eq!(done.attempts() as u64, ATTEMPTS);
    // The rounds of a storm fail by design: EBUSY of those who waited for an init function that failed.
    let findings = done
        .stdout
        .lines()
        .filter(|line| line.starts_with("finding: busy-inherited: "));
    assert!(findings.count() > 1, "{}", done.stdout);
    let quiet = run(&["-q", "trace", "--from", &path]);
    assert_eq!(quiet.quiet(), done.stdout);
    assert_eq!(
        run(&["-q", "--from", &path]).quiet(),
        done.stdout,
        "no command is the same"
    );
}

#[test]
fn globs_choose_modules() {
    let all = modules(&shown("globs", &["report", "--json"]));
    let one = all.first().unwrap();
    assert_eq!(
        modules(&shown("globs", &["report", "--json", "-m", one])),
        [one.as_str()]
    );
    let wanted: Vec<&String> = all
        .iter()
        .filter(|name| name.ends_with('1') || name.ends_with('3'))
        .collect();
    assert_eq!(
        modules(&shown("globs", &["report", "--json", "-m", "*1", "-m", "*3"])),
        wanted.into_iter().cloned().collect::<Vec<_>>()
    );
    assert!(modules(&shown("globs", &["report", "--json", "-m", "none*"])).is_empty());
    let lines = shown("globs", &["-q", "trace", "-m", one]);
    assert!(
        lines.lines().count() > 1 && lines.lines().skip(1).all(|line| line.contains(one.as_str())),
        "{lines}"
    );
    assert_eq!(
        shown("globs", &["-q", "trace", "-m", "["]).lines().count(),
        1,
        "a bracket that never closes is itself"
    );
}

#[test]
fn modules_are_sorted_and_cut_off() {
    let all = modules(&shown("sort", &["report", "--json", "--sort", "name"]));
    assert!(all.is_sorted() && all.len() > 5, "{all:?}");
    for key in ["attempts", "failed", "wait", "load", "init", "going", "wasted"] {
        let mut sorted = modules(&shown("sort", &["report", "--json", "--sort", key]));
        sorted.sort();
        assert_eq!(sorted, all, "{key}");
    }
    assert_eq!(
        modules(&shown("sort", &["report", "--json", "--sort", "name", "-n", "3"])),
        all[..3]
    );
}

#[test]
fn the_wait_graph_comes_in_four_formats() {
    let text = shown("graph", &["graph"]);
    assert!(
        text.contains("  same-name ") && text.contains("  same-inode "),
        "{text}"
    );
    let json: Value = serde_json::from_str(&shown("graph", &["graph", "--format", "json"])).unwrap();
    assert_eq!(json["schema"], "kmodtrace.graph/1");
    assert_eq!(json["cycles"], Value::Array(Vec::new()));
    let edges = json["edges"].as_array().unwrap();
    let dot = shown("graph", &["graph", "--format", "dot"]);
    assert!(
        dot.starts_with("digraph kmodtrace {\n") && dot.ends_with("}\n"),
        "{dot}"
    );
    assert_eq!(dot.matches(" -> ").count(), edges.len());
    // Each stack is five frames and a number; together they are the time of all edges, rounded up.
    let folded = shown("graph", &["graph", "--format", "folded"]);
    let stacks = folded.lines().map(|line| line.rsplit_once(' ').unwrap());
    let stacks: Vec<(usize, u64)> = stacks
        .map(|(stack, us)| (stack.split(';').count(), us.parse().unwrap()))
        .collect();
    assert!(stacks.iter().all(|(frames, _)| *frames == 5), "{folded}");
    // What a helper does is told by the stacks of its attempts.
    let waits = edges.iter().filter(|edge| edge["kind"] != "helper");
    let waited: u64 = waits.map(|edge| edge["total_ns"].as_u64().unwrap()).sum();
    let stacked: u64 = stacks.iter().map(|(_, us)| us * 1_000).sum();
    assert!(
        stacked >= waited && stacked <= waited + 1_000 * stacks.len() as u64,
        "{stacked} {waited}"
    );
    let none = shown("graph", &["graph", "-m", "no-such-module"]);
    assert_eq!(none, "no wait was seen\n");
}

#[test]
fn a_graph_tells_first_what_hangs() {
    const HANGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../kmodtrace-core/tests/field/a18.kmt");
    let why = run(&["why", HANGS]);
    let told = why.quiet();
    assert!(
        told.starts_with("a load of kt_init hangs for ") && told.contains(" waits for attempt 1"),
        "{told}"
    );
    let graph = run(&["graph", HANGS]);
    assert!(graph.quiet().starts_with(&format!("{told}\nWAITS, ")), "{graph:?}");
    let of = |command| -> Value { serde_json::from_str(run(&[command, HANGS, "--json"]).quiet()).unwrap() };
    assert_eq!(of("graph")["hanging"], of("why")["hanging"]);
    let others = run(&["graph", HANGS, "-m", "no-such-module"]);
    assert_eq!(others.quiet(), "no wait was seen\n");
}

/// Too many attempts for a page are told there.
#[test]
fn a_page_says_what_it_leaves_out() {
    let folder = scratch("page");
    let path = file(&folder, "many.kmt", sample(6_000).bytes);
    let report: Value = serde_json::from_str(run(&["report", "--json", &path]).quiet()).unwrap();
    let calls = ["loads", "unloads"].map(|what| report["account"][what].as_u64().unwrap());
    let done = run(&["report", "--format", "html", &path]);
    let page = done.quiet();
    let [loads, unloads] = calls;
    let told = format!("These are the 4000 longest of {loads} loads");
    assert!(page.contains(&told), "{calls:?}");
    assert_eq!(page.matches("<tr id=\"a").count() as u64, 4_000 + unloads);
}
