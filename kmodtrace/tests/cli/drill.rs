//! `drill --from`: the same as when the loads were seen.

use std::fs::File;

use kmodtrace_common::kind;
use kmodtrace_core::recording::{Reader, Writer};

use crate::support::{file, run, scratch};

/// Of a load of `kt_deep` whose driver's probe callback fails, on 6.1.
const RECORDING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../kmodtrace-core/tests/recordings/6.1-drill.kmt"
);

#[test]
fn a_load_is_a_tree_and_sentences() {
    let done = run(&["drill", "--from", RECORDING, "kt_deep"]);
    insta::assert_snapshot!(done.quiet());
}

#[test]
fn modules_that_were_not_loaded_are_told() {
    let done = run(&["drill", "--from", RECORDING, "kt_init"]);
    assert_eq!(done.quiet(), "kt_init: no load reached its init function\n");
    let done = run(&["drill", "--from", RECORDING, "kt_init", "--format", "json"]);
    assert_eq!((done.status, done.stdout.as_str()), (Some(0), ""), "{done:?}");
    assert!(done.stderr.contains("kt_init: no load reached"), "{done:?}");
}

/// As by a tracer that is killed in the middle of it.
#[test]
fn a_load_that_has_not_ended_is_told_as_far_as_it_went() {
    let mut reader = Reader::new(File::open(RECORDING).unwrap()).unwrap();
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, reader.header()).unwrap();
    let mut calls = 0;
    while let Some(record) = reader.next_record().unwrap() {
        calls += usize::from(record[..2] == kind::CALL_ENTER.to_ne_bytes());
        if calls > 7 {
            break;
        }
        writer.push(record).unwrap();
    }
    writer.flush_block().unwrap();
    drop(writer);
    let path = file(&scratch("drill_cut"), "cut.kmt", bytes);
    let done = run(&["drill", "--from", &path, "kt_deep"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    insta::assert_snapshot!(done.stdout);
    let json = run(&["drill", "--from", &path, "kt_deep", "--format", "json"]).stdout;
    let load: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(load.get("result"), None, "{json}");
    assert_eq!(load["notes"], serde_json::json!(["in_flight"]));
}
