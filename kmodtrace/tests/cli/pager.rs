//! What is longer than the screen.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{file, kmodtrace, run, sample, scratch};
use crate::terminal::Terminal;

/// What the program shows on a screen of so many rows, where this is the pager, and its exit status.
fn shown(args: &[&str], pager: &str, rows: u16) -> (String, Option<i32>) {
    let terminal = Terminal::new(rows, 80);
    let mut command = kmodtrace(&[&["-q"], args].concat());
    command
        .stdout(terminal.line())
        .stderr(terminal.line())
        .env("KMODTRACE_PAGER", pager)
        .env("NO_COLOR", "1");
    let mut child = command.spawn().unwrap();
    drop(command);
    let shown = terminal.rest().replace("\r\n", "\n");
    (shown, child.wait().unwrap().code())
}

/// A pager that brackets what it gets.
fn pager(test: &str) -> String {
    let path = file(
        &scratch(&format!("pager-{test}")),
        "pager",
        "#!/bin/sh\necho \"<$1\"; cat; echo \">\"\n",
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn what_is_longer_than_the_screen_goes_through_the_pager() {
    let path = file(&scratch("paged"), "storm.kmt", sample(400).bytes);
    let pager = pager("long");
    for args in [
        &["report", &path][..],
        &["report", &path, "--json"],
        &["why", &path],
        &["graph", &path],
        &["diff", &path, &path],
    ] {
        let piped = run(&[&["-q"], args].concat()).quiet().to_owned();
        let long = shown(args, &format!("{pager} word"), 2);
        assert_eq!(long, (format!("<word\n{piped}>\n"), Some(0)), "{args:?}");
        assert_eq!(shown(args, &pager, u16::MAX), (piped.clone(), Some(0)), "it fits");
        assert_eq!(shown(&[args, &["--no-pager"]].concat(), &pager, 2), (piped, Some(0)));
    }
}

#[test]
fn a_pager_that_is_not_there_or_quits_is_no_error() {
    let path = file(&scratch("unpaged"), "storm.kmt", sample(400).bytes);
    let piped = run(&["report", &path]).quiet().to_owned();
    for pager in ["", "/nowhere/pager"] {
        assert_eq!(
            shown(&["report", &path], pager, 2),
            (piped.clone(), Some(0)),
            "{pager:?}"
        );
    }
    assert_eq!(
        shown(&["report", &path, "--attempts", "--json"], "true", 2),
        (String::new(), Some(0))
    );
}

#[test]
fn the_exit_status_stays_that_of_the_command() {
    let bytes = sample(400).bytes;
    let path = file(&scratch("paged_damage"), "torn.kmt", &bytes[..bytes.len() / 2]);
    let status = run(&["report", &path]).status;
    assert_eq!(shown(&["report", &path], &pager("damage"), 2).1, status);
}
