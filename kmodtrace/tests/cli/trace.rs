//! `trace`, of recordings.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::run;

/// A recording on 6.1 in which init functions request modules.
const RECORDING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../kmodtrace-core/tests/recordings/6.1-nested.kmt"
);

/// The objects of `trace --json`, by their types.
fn objects(options: &[&str]) -> BTreeMap<String, Vec<Value>> {
    let done = run(&[&["-q", "trace", RECORDING, "--json"], options].concat());
    let mut objects: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in done.quiet().lines() {
        let mut object: Value = serde_json::from_str(line).unwrap();
        let Some(Value::String(kind)) = object.as_object_mut().unwrap().remove("type") else {
            panic!("{line}")
        };
        objects.entry(kind).or_default().push(object);
    }
    objects
}

/// What a report has of the recording under this name.
fn reported(name: &str) -> Vec<Value> {
    let done = run(&["report", RECORDING, "--json", "--attempts"]);
    let mut report: Value = serde_json::from_str(done.quiet()).unwrap();
    serde_json::from_value(report[name].take()).unwrap()
}

#[test]
fn json_has_the_rows_of_a_report_as_they_come() {
    let objects = objects(&[]);
    assert_eq!(objects["header"][0]["schema"], "kmodtrace.trace/1");
    assert_eq!(objects["loss"][0]["lost"], 0);
    assert!(objects["state"].iter().any(|state| state["state"] == "COMING"));
    assert_eq!(objects["finding"], reported("findings"));
    for (kind, name) in [("attempt", "attempts"), ("request", "requests")] {
        let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
        let fields = |row: &Value| row.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let rows = reported(name);
        assert_eq!(ids(&objects[kind]), ids(&rows));
        assert_eq!(fields(&objects[kind][0]), fields(&rows[0]));
    }
}

#[test]
fn requests_have_lines() {
    let requests = reported("requests");
    let done = run(&["-q", "trace", RECORDING]);
    let lines: Vec<&str> = done
        .quiet()
        .lines()
        .filter(|line| line.contains("  request        "))
        .collect();
    assert_eq!(lines.len(), requests.len(), "{lines:#?}");
    for (line, request) in lines.iter().zip(&requests) {
        for field in ["name", "comm", "outcome"] {
            let value = request[field].as_str().unwrap_or("-");
            assert!(line.contains(value), "{field} {value}: {line}");
        }
    }
}

#[test]
fn a_request_belongs_to_the_modules_that_its_modprobe_loaded() {
    let attempts = reported("attempts");
    let loaded = attempts
        .iter()
        .find(|attempt| attempt["request"].is_u64() && attempt["module"].is_string())
        .unwrap();
    let objects = objects(&["-m", loaded["module"].as_str().unwrap()]);
    let requests: Vec<&Value> = objects["request"].iter().map(|request| &request["id"]).collect();
    assert!(requests.contains(&&loaded["request"]), "{requests:?}");
    assert!(
        objects["attempt"]
            .iter()
            .all(|attempt| attempt["module"] == loaded["module"])
    );
    assert!(requests.len() < reported("requests").len());
}
