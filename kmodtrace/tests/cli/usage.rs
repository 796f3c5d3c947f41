//! Wrong usage: status 2, and a line that says what is wrong.

use crate::support::{done, kmodtrace, run};

#[test]
fn wrong_usage_is_told_in_one_line() {
    for (args, said) in [
        (&["--nonsense"][..], "'--nonsense'"),
        (&["nonsense"], "'nonsense'"),
        (&["record", "modprobe"], "'modprobe'"),
        (&["report", "--format", "xml"], "text, json, jsonl, csv"),
        (&["report", "--from"], "--from <FILE>"),
        (&["report", "-n", "few"], "'few'"),
        (&["report", "-n", "-1"], "'-1'"),
        (&["report", "--json", "--format", "csv"], "--json"),
        (&["-q", "-v"], "--quiet"),
        (&["trace", "--from", "a", "-o", "b"], "--output"),
        (&["trace", "--from", "a", "-d", "1"], "--duration"),
        (&["trace", "--from", "a", "--", "true"], "COMMAND"),
        (&["drill"], "arguments were not provided: <MODULE|FILE>..."),
        (&["reprot"], "no such command: 'reprot'; a similar one is 'report'"),
        (&["modprobe"], "kmodtrace -- modprobe"),
        (&["-m", "xfs", "report"], "--module <GLOB> stands before report"),
        (
            &["--at", "1s", "--from", "a", "report"],
            "--from <FILE> stands before report",
        ),
    ] {
        let done = run(args);
        let line = done.refused(2);
        assert!(
            line.contains(said) && line.ends_with("; see --help"),
            "{args:?}: {line}"
        );
    }
}

#[test]
fn a_duration_is_a_number_with_a_unit() {
    for (text, said) in [
        ("", "expected a number"),
        (".", "expected a number"),
        ("ten", "unknown unit \"ten\": use ms, s, m or h"),
        ("5x", "unknown unit \"x\": use ms, s, m or h"),
        ("1.2.3", "expected a number"),
        ("99999999999999999999999", "too long"),
    ] {
        let done = run(&["record", "-d", text]);
        let line = done.refused(2);
        assert!(line.contains(said), "{text}: {line}");
    }
}

#[test]
fn an_unknown_sort_key_is_told_with_those_there_are() {
    let done = run(&["report", "--sort", "size"]);
    let line = done.refused(2);
    assert!(
        line.contains("'size'") && line.contains("attempts, failed, load"),
        "{line}"
    );
}

#[test]
fn help_and_version_are_on_stdout() {
    for args in [&["--help"][..], &["-h"], &["record", "--help"], &["help", "report"]] {
        assert!(run(args).quiet().contains("Usage: kmodtrace"), "{args:?}");
    }
    // Headings of the live view are for what is of the live view only.
    let record = run(&["record", "--help"]);
    let of_record = record.quiet();
    assert!(
        !of_record.contains("Live view:") && of_record.contains("--quiet"),
        "{of_record}"
    );
    let version = format!("kmodtrace {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&["-V"]).quiet(), version);
}

/// A wrong filter for messages is no reason to show nothing.
#[test]
fn a_wrong_rust_log_does_no_harm() {
    let mut command = kmodtrace(&["schema"]);
    command.env("RUST_LOG", "=,=");
    assert!(done(command).quiet().starts_with('{'));
}
