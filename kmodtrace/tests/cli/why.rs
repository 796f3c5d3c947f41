//! `why` and `explain`.

use kmodtrace_core::model::WaitStatus;
use serde_json::Value;

use crate::support::{file, run, sample_of_command, sample_of_knot, scratch};

/// A recording of eight pairs of loads on 6.1, whose init functions failed.
const RECORDING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../kmodtrace-core/tests/recordings/6.1-failing-init.kmt"
);

#[test]
fn explain_knows_errnos_statuses_and_causes() {
    for (asked, said) in [
        ("EBUSY", "leader-failed: "),
        ("16", "leader-failed: "),
        ("-16", "leader-failed: "),
        ("Device or resource busy", "EBUSY (16): "),
        ("exec format error", "ENOEXEC (8): "),
        ("EWOULDBLOCK", "EAGAIN (11): "),
        ("EPROBE_DEFER", "EPROBE_DEFER (517): "),
        ("256", "modprobe-failed: "),
        ("32512", "helper-not-started: "),
        ("no-slot", "what to do: "),
    ] {
        let done = run(&["explain", asked]);
        let text = done.quiet();
        assert!(text.contains(said), "{asked}: {text}");
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    }
    let done = run(&["explain", "EINVAL", "ETIME", "--json"]);
    let all: Value = serde_json::from_str(done.quiet()).unwrap();
    assert_eq!(all[1]["causes"][0]["id"], "no-slot");
    assert!(all[0]["causes"].as_array().unwrap().len() >= 16);
}

#[test]
fn explain_says_what_it_does_not_know() {
    for args in [
        &["explain", "EBUSIER"][..],
        &["explain", "EBUSY", "0"],
        &["explain", "", "--json"],
    ] {
        let done = run(args);
        assert!(done.refused(2).contains("is not an errno"), "{args:?}");
    }
    assert!(run(&["explain"]).refused(2).contains("ERRNO|CAUSE"));
}

#[test]
fn why_tells_the_chain() {
    let done = run(&["why", "--from", RECORDING]);
    let text = done.quiet();
    assert!(
        text.contains("which ended with ENODEV") && text.contains("what to do: "),
        "{text}"
    );
    let done = run(&["why", "--from", RECORDING, "--json", "--errno", "ENODEV"]);
    let why: Value = serde_json::from_str(done.quiet()).unwrap();
    assert_eq!(why["causes"][0]["causes"][0], "init");
    assert_eq!(why["schema"], "kmodtrace.why/1");
}

#[test]
fn why_ends_with_the_findings_of_the_report() {
    let why = run(&["why", "--from", RECORDING]);
    let (_, findings) = why.quiet().split_once("\n\nFINDINGS\n").unwrap();
    assert!(findings.contains("busy-inherited: "), "{findings}");
    assert!(run(&["report", "--from", RECORDING]).quiet().contains(findings));
    let of = |args: &[&str]| {
        let done = run(&[&["why", "--from", RECORDING, "--json"], args].concat());
        let mut why: Value = serde_json::from_str(done.quiet()).unwrap();
        why["findings"].take()
    };
    let report = run(&["report", "--from", RECORDING, "--format", "json"]);
    let report: Value = serde_json::from_str(report.quiet()).unwrap();
    assert_eq!(of(&[]), report["findings"]);
    assert_eq!(of(&["--module", "nothing"]), serde_json::json!([]));
    assert_eq!(of(&["--errno", "ENODEV"]), Value::Null);
}

#[test]
fn why_says_so_when_there_is_nothing_to_tell() {
    let done = run(&["why", "--from", RECORDING, "--errno", "EFBIG"]);
    assert!(done.quiet().starts_with("no function of the loader returned EFBIG\n"));
    assert!(
        run(&["why", "--from", RECORDING, "--errno", "256"])
            .refused(2)
            .contains("`256` is not an errno")
    );
    assert!(
        run(&["why", "--from", "/nowhere"])
            .refused(1)
            .contains("cannot read /nowhere")
    );
}

#[test]
fn the_end_of_the_command_is_told() {
    let folder = scratch("command_end");
    for (raw, status, head, why) in [
        (0, 0, "(exit 0)", "what failed did so before it asked the kernel"),
        (
            256,
            1,
            "(exit 1)",
            "the command ended with 1: modprobe or insmod refused by themselves",
        ),
        (9, 137, "(killed by signal 9)", "the command was killed by signal 9"),
    ] {
        let recording = sample_of_command(&["modprobe", "nothing"], WaitStatus(raw));
        let path = file(&folder, "ended", recording);
        let report = run(&["report", "--from", &path]);
        let said = format!("\ncommand: modprobe nothing {head}\n");
        assert!(report.quiet().contains(&said), "{report:?}");
        let report = run(&["report", "--from", &path, "--json"]);
        let report: Value = serde_json::from_str(report.quiet()).unwrap();
        assert_eq!(report["recording"]["command_status"], status);
        let told = run(&["why", "--from", &path]);
        let told = told.quiet().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            told.starts_with("no load, unload or request was seen") && told.contains(why),
            "{told}"
        );
    }
    let report = run(&["report", "--from", RECORDING, "--json"]);
    let report: Value = serde_json::from_str(report.quiet()).unwrap();
    assert_eq!(report["recording"]["command_status"], Value::Null, "an older recording");
}

#[test]
fn waits_that_were_not_looked_at_for_deadlocks_are_told() {
    let path = file(&scratch("knot"), "knot", sample_of_knot(2_000));
    let report = run(&["report", "--from", &path]);
    let said = " waits were not looked at for deadlocks: too many depend on one another";
    let line = report.quiet().lines().find(|line| line.ends_with(said)).unwrap();
    let why = run(&["why", "--from", &path]);
    assert!(why.quiet().lines().any(|told| told == line), "{line}: {why:?}");
}
