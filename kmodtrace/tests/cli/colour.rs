//! Colours in text.

use crate::support::{kmodtrace, run};
use crate::terminal::Terminal;

/// A recording of eight pairs of loads on 6.1, whose init functions failed.
const RECORDING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../kmodtrace-core/tests/recordings/6.1-failing-init.kmt"
);

/// A text without what tells colours.
fn plain(text: &str) -> String {
    ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m"]
        .iter()
        .fold(text.to_owned(), |text, code| text.replace(code, ""))
}

#[test]
fn titles_and_failures_stand_out() {
    for (command, title, failure) in [
        ("report", "\n\u{1b}[1mWHAT FAILED", "\n  \u{1b}[31m"),
        ("why", "\n\u{1b}[1mFINDINGS", "\u{1b}[31m"),
    ] {
        let coloured = run(&[command, RECORDING, "--color", "always"]);
        let text = coloured.quiet();
        let piped = run(&[command, RECORDING]);
        assert!(text.contains(title) && text.contains(failure), "{text:?}");
        assert_eq!(plain(text), piped.quiet());
        assert_eq!(run(&[command, RECORDING, "--color", "never"]).quiet(), piped.quiet());
        let json = run(&["--color", "always", command, RECORDING, "--json"]);
        assert!(!json.quiet().contains('\u{1b}'));
    }
}

#[test]
fn a_terminal_has_colours_unless_somebody_says_otherwise() {
    let shown = |no_color: &str, options: &[&str]| {
        let terminal = Terminal::new(1_000, 80);
        let mut command = kmodtrace(&[&["why", RECORDING], options].concat());
        command
            .stdout(terminal.line())
            .env("TERM", "xterm")
            .env("NO_COLOR", no_color);
        let mut child = command.spawn().unwrap();
        drop(command);
        let shown = terminal.rest();
        assert!(child.wait().unwrap().success());
        shown.contains('\u{1b}')
    };
    assert!(shown("", &[]) && shown("1", &["--color", "always"]));
    assert!(!shown("1", &[]) && !shown("", &["--color", "never"]));
}
