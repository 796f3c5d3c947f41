//! What each format makes of one afternoon, as committed snapshots.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

mod support;
#[path = "support/schema.rs"]
mod validation;

use kmodtrace_core::analysis::aggregate::Aggregates;
use kmodtrace_core::model::{Attempt, Finished, Ktime, Zero};
use kmodtrace_core::plan::{Coverage, Observed};
use kmodtrace_core::report::line;
use kmodtrace_core::report::{
    KernelRow, KnownAttempts, Report, Selection, SortKey, Source, TextLayout, write_attempts_csv, write_histograms,
    write_jsonl, write_modules_csv, write_text,
};
use kmodtrace_core::text::{Names, json_schema, write_json};

/// Room for every table.
const WIDE: TextLayout = TextLayout {
    columns: 200,
    zero: Zero::Boot,
};

const STORIES: &[&str] = &[
    "success",
    "storm_failing_init",
    "same_inode",
    "going_unload",
    "lost_exit",
    "derived_wait",
];

/// The stories, with a tenth of a millisecond for each of their nanoseconds, and one of requests in its own time.
fn finished() -> Vec<Finished> {
    let mut finished = support::run(support::together(STORIES).into_iter().map(|mut event| {
        event.time = Ktime(event.time.0 * 100_000);
        event
    }));
    finished.extend(support::run(support::together(&["request_no_slot_6_12"])));
    finished
}

fn attempts() -> Vec<Attempt> {
    support::attempts(&finished())
}

fn source() -> Source {
    Source {
        kernel: KernelRow {
            release: Some("6.1.0-56-cloud-amd64".to_owned()),
            arch: Some("x86_64".to_owned()),
            ..KernelRow::default()
        },
        lost: Some(3),
        missed: Some(0),
        clipped: Some(0),
        refused: Vec::new(),
        truncated: None,
        coverage: Coverage::default(),
        recording: None,
    }
}

fn report(source: &Source, selection: &Selection) -> Report {
    let mut aggregates = Aggregates::default();
    for one in &finished() {
        aggregates.add(one);
    }
    Report::new(&aggregates, source, selection)
}

fn with_attempts() -> Report {
    let selection = Selection::default();
    report(&source(), &selection).with_attempts(
        || finished().into_iter(),
        KnownAttempts::of(&finished(), &selection),
        &selection,
    )
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn table() {
    let report = report(&source(), &Selection::default());
    let table = text(|out| write_text(&report, &WIDE, out));
    assert!(
        table.is_ascii() && table.lines().all(|line| line.len() <= 200),
        "{table}"
    );
    insta::assert_snapshot!("table", table);
    insta::assert_snapshot!("attempts_table", text(|out| write_text(&with_attempts(), &WIDE, out)));
}

#[test]
fn table_of_a_kernel_that_hides_things() {
    let mut source = source();
    source.truncated = Some("frame 7 at byte 81920 is torn".to_owned());
    for (what, reason) in [
        (Observed::InitTimes, "init times: do_one_initcall has no symbol"),
        (
            Observed::GoingWindows,
            "GOING windows: mod_sysfs_teardown cannot be attached",
        ),
        (Observed::ReadBytes, "bytes: kernel_read_file has no symbol"),
        (
            Observed::SameInodeWaits,
            "same-inode waits: idempotent_init_module cannot be attached",
        ),
        (Observed::Collisions, "collisions: find_module_all has no symbol"),
    ] {
        source.coverage.lose(what, reason);
    }
    let selection = Selection {
        modules: Names::matching(["cpu*", "m[0-9]"]),
        sort: SortKey::Name,
        top: Some(2),
        ..Selection::default()
    };
    let report = report(&source, &selection);
    insta::assert_snapshot!("hidden_table", text(|out| write_text(&report, &WIDE, out)));
    insta::assert_snapshot!("hidden_json", text(|out| write_json(&report, out)));
}

#[test]
fn histograms() {
    let report = report(
        &source(),
        &Selection {
            modules: Names::matching(["cpufreq*"]),
            ..Selection::default()
        },
    );
    insta::assert_snapshot!("histograms", text(|out| write_histograms(&report, out)));
}

#[test]
fn machine_formats() {
    let report = with_attempts();
    insta::assert_snapshot!("json", text(|out| write_json(&report, out)));
    insta::assert_snapshot!("jsonl", text(|out| write_jsonl(&report, out)));
    insta::assert_snapshot!("modules_csv", text(|out| write_modules_csv(&report, true, out)));
    insta::assert_snapshot!("attempts_csv", text(|out| write_attempts_csv(&report, true, out)));
}

#[test]
fn lines() {
    let attempts = attempts();
    let origin = attempts.iter().filter_map(|attempt| attempt.start).min().unwrap();
    let lines: Vec<String> = attempts
        .iter()
        .map(|attempt| {
            line::Line {
                attempt,
                zero: Zero::At(origin),
            }
            .to_string()
        })
        .collect();
    insta::assert_snapshot!("lines", format!("{}\n{}\n", line::HEADER, lines.join("\n")));
}

#[test]
fn json_is_what_its_schema_says() {
    let schema = json_schema::<Report>();
    insta::assert_snapshot!("schema", serde_json::to_string_pretty(&schema).unwrap());
    for report in [
        with_attempts(),
        report(&source(), &Selection::default()),
        Report::new(&Aggregates::default(), &Source::default(), &Selection::default()),
    ] {
        let value = serde_json::to_value(&report).unwrap();
        assert_eq!(validation::violations(&value, &schema), Vec::<String>::new());
    }
    let mut wrong = serde_json::to_value(with_attempts()).unwrap();
    wrong["quality"]["lost"] = "3".into();
    wrong["modules"][0]["name"] = 5.into();
    wrong["attempts"][0].as_object_mut().unwrap().remove("tid");
    assert_eq!(validation::violations(&wrong, &schema).len(), 3);
}
