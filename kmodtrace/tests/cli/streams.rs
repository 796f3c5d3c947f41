//! Readers that go away, disks that are full, terminals that are gone.

use std::fs::OpenOptions;
use std::io::pipe;
use std::process::Command;

use crate::support::{Done, done, file, kmodtrace, run, sample, scratch};

/// Every command that shows something, and a recording that was cut short for those that read one.
fn shows(torn: &str) -> Vec<Command> {
    let facts = concat!(env!("CARGO_MANIFEST_DIR"), "/../kmodtrace-core/tests/facts/6.1.json");
    [
        &["report", "--from", torn][..],
        &["report", "--from", torn, "--histogram", "--attempts"],
        &["report", "--from", torn, "--format", "json"],
        &["report", "--from", torn, "--format", "jsonl"],
        &["report", "--from", torn, "--format", "csv"],
        &["trace", "--from", torn],
        &["graph", "--from", torn],
        &["graph", "--from", torn, "--format", "folded"],
        &["check", "--facts", facts],
        &["check", "--facts", facts, "--json"],
        &["schema"],
        &["--help"],
        &["--version"],
    ]
    .map(kmodtrace)
    .into()
}

fn torn(test: &str) -> String {
    let sample = sample(400);
    file(&scratch(test), "torn.kmt", &sample.bytes[..sample.bytes.len() - 1])
}

/// As in `kmodtrace report | head -1`, with the reader gone before the first byte.
#[test]
fn a_closed_pipe_ends_quietly() {
    let path = torn("closed_pipe");
    for mut command in shows(&path) {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        command.stdout(writer);
        let done = done(command);
        assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_closed_stdout_is_told() {
    let path = torn("closed_stdout");
    for shown in shows(&path).into_iter().chain([kmodtrace(&["record", "-o", "-"])]) {
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" >&-"]);
        command.arg(shown.get_program()).args(shown.get_args());
        let done = done(command);
        assert_eq!(done.refused(1), "kmodtrace: cannot write to stdout: it is closed");
    }
}

#[test]
fn a_full_disk_is_told() {
    let path = torn("full_disk");
    for mut command in shows(&path) {
        command.stdout(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let done = done(command);
        assert!(
            done.failed(1).contains("cannot write to stdout: No space left"),
            "{done:?}"
        );
    }
}

/// A terminal that went away: everything else goes on, and the status is what it would have been.
#[test]
fn a_stderr_that_is_gone_changes_nothing() {
    let path = torn("no_stderr");
    let no_stderr = |args: &[&str]| -> Done {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut command = kmodtrace(args);
        command.stderr(writer);
        done(command)
    };
    for args in [
        &["report", "--from", &path][..],
        &["trace", "--from", &path],
        &["schema"],
    ] {
        let (with, without) = (run(args), no_stderr(args));
        assert_eq!((without.status, without.stdout), (with.status, with.stdout), "{args:?}");
    }
    assert_eq!(no_stderr(&["report", "--from", "/"]).status, Some(1));
    assert_eq!(no_stderr(&["--nonsense"]).status, Some(2));
    assert_eq!(no_stderr(&["record", "--", "/nowhere/at/all"]).status, Some(127));
}

#[test]
fn quiet_says_nothing_but_errors() {
    let path = torn("quiet");
    let torn = run(&["report", "--from", &path]);
    assert_eq!(torn.stderr.lines().count(), 1, "{torn:?}");
    for args in [
        &["-q", "report", "--from", &path][..],
        &["report", "--from", &path, "--quiet"],
    ] {
        assert_eq!(run(args).quiet(), torn.stdout);
    }
    run(&["-q", "trace", "--from", &path]).quiet();
    run(&["-q", "report", "--from", "/"]).refused(1);
}

/// Neither a pipe nor a wish for no colour gets any; nothing but colour may depend on it.
#[test]
fn there_is_no_colour_where_there_is_no_terminal() {
    let path = torn("colour");
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "xterm-256color")] {
        for (mut coloured, plain) in shows(&path).into_iter().zip(shows(&path)) {
            coloured.env(variable.0, variable.1);
            let (coloured, plain) = (done(coloured), done(plain));
            assert!(
                !coloured.stdout.contains('\x1b') && !coloured.stderr.contains('\x1b'),
                "{coloured:?}"
            );
            assert_eq!(coloured.stdout, plain.stdout);
        }
    }
}
