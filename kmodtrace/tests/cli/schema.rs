//! What commands print as JSON, and the schemas of that.

use serde_json::{Value, json};

use crate::support::run;
use crate::validation::violations;

/// Recordings.
const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../kmodtrace-core/tests/recordings");

/// The schema of this name.
pub(crate) fn schema(name: &str) -> Value {
    serde_json::from_str(run(&["schema", name]).quiet()).unwrap()
}

#[test]
fn json_is_what_its_schema_says() {
    let recording = |name: &str| format!("{RECORDINGS}/{name}.kmt");
    let (nested, failing, drill) = (
        recording("6.1-nested"),
        recording("6.1-failing-init"),
        recording("6.1-drill"),
    );
    let facts = concat!(env!("CARGO_MANIFEST_DIR"), "/../kmodtrace-core/tests/facts/6.1.json");
    for args in [
        &["report", "--attempts", &nested][..],
        &["why", &nested],
        &["why", &failing, "--errno", "EBUSY"],
        &["graph", &nested],
        &["diff", &nested, &failing],
        &["check", "--facts", facts],
        &["explain", "EBUSY", "256", "no-slot"],
    ] {
        let done = run(&[args, &["--json"]].concat());
        let json: Value = serde_json::from_str(done.quiet()).unwrap();
        assert_eq!(violations(&json, &schema(args[0])), Vec::<String>::new(), "{args:?}");
    }
    for args in [&["drill", "kt_deep", "--from", &drill][..], &["trace", &nested, "-q"]] {
        let done = run(&[args, &["--json"]].concat());
        let schema = schema(args[0]);
        assert_ne!(done.stdout, "");
        for line in done.stdout.lines() {
            let json: Value = serde_json::from_str(line).unwrap();
            assert_eq!(violations(&json, &schema), Vec::<String>::new(), "{args:?}");
        }
    }
}

#[test]
fn each_schema_has_a_name() {
    let list = run(&["schema", "--list"]);
    let names: Vec<&str> = list.quiet().lines().collect();
    assert!(
        names.contains(&"report") && names.contains(&"bisect-report"),
        "{names:?}"
    );
    let of_json = |name: &str| schema(name)["type"].is_string() || schema(name)["oneOf"].is_array();
    assert!(names.iter().all(|name| *name == "records" || of_json(name)));
    // What a reader of recordings goes by.
    let layouts = schema("records");
    let enter = &layouts["records"][0];
    assert_eq!(
        (&enter["name"], &enter["fields"][0]["name"]),
        (&json!("ATTEMPT_ENTER"), &json!("kind"))
    );
    assert_eq!(layouts["layout"].as_str().unwrap().len(), 8);
    assert_eq!(run(&["schema"]).quiet(), run(&["schema", "report"]).quiet());
    let unknown = run(&["schema", "reprot"]);
    let said = unknown.refused(2);
    assert!(names.iter().all(|name| said.contains(name)), "{said}");
}
