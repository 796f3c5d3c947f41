//! `drill` of a recording: the same as when the loads were seen.

use std::fs::{self, File};

use kmodtrace_common::kind;
use kmodtrace_core::recording::{Reader, Writer};

use crate::support::{done, file, kmodtrace, run, sample, scratch};

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
fn a_recording_is_named_as_everywhere() {
    let all = run(&["drill", "--from", RECORDING]);
    assert_eq!(all.quiet(), run(&["drill", "--from", RECORDING, "kt_deep"]).quiet());
    let folder = scratch("drill_folder");
    fs::copy(RECORDING, folder.join("a.kmt")).unwrap();
    let folder = folder.to_str().unwrap();
    let mut piped = kmodtrace(&["drill", "-"]);
    piped.stdin(File::open(RECORDING).unwrap());
    for told in [
        run(&["drill", RECORDING]),
        run(&["drill", RECORDING, "kt_deep"]),
        run(&["drill", folder]),
        done(piped),
    ] {
        assert_eq!(told.quiet(), all.stdout);
    }
    let other = run(&["drill", RECORDING, "kt-init"]);
    assert_eq!(other.quiet(), "kt_init: no load reached its init function\n");
}

#[test]
fn what_only_tracing_has_is_refused_beside_a_recording() {
    for options in [
        &["-d", "1"][..],
        &["--functions", "*"],
        &["--with", "all"],
        &["-o", "b"],
        &["--", "true"],
    ] {
        let done = run(&[&["drill", RECORDING], options].concat());
        assert!(done.refused(2).contains(" is a recording: "), "{options:?}: {done:?}");
    }
}

#[test]
fn a_recording_without_functions_of_modules_says_so() {
    let path = file(&scratch("drill_none"), "storm.kmt", sample(16).bytes);
    for args in [&["drill", &path][..], &["drill", "--from", &path, "xfs"]] {
        let done = run(args);
        let line = done.refused(1);
        assert!(
            line.contains("storm.kmt: no functions of modules were traced"),
            "{line}"
        );
    }
}

/// What is no recording is a module's file, as it says itself.
#[test]
fn a_file_that_is_no_recording_is_a_module() {
    let path = file(&scratch("drill_module"), "fd.ko", "no ELF file");
    let done = run(&["drill", &path]);
    assert!(done.refused(1).contains("fd.ko"), "{done:?}");
    assert!(run(&["drill", "no_such_module"]).refused(1).contains("no_such_module"));
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
