//! What somebody at a terminal is told while they wait.

use std::io::{PipeWriter, Write as _, pipe};
use std::process::{Child, Stdio};

use crate::support::{kmodtrace, sample};
use crate::terminal::Terminal;

/// A report that waits for the second half of its recording, and where that is to be written.
fn waiting(terminal: &Terminal, options: &[&str]) -> (Child, PipeWriter, Vec<u8>) {
    let sample = sample(80);
    let (first, second) = sample.bytes.split_at(sample.blocks[1]);
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(first).unwrap();
    let mut command = kmodtrace(&[&["report", "-"], options].concat());
    let child = command
        .stdin(reader)
        .stdout(Stdio::null())
        .stderr(terminal.line())
        .spawn()
        .unwrap();
    (child, writer, second.to_vec())
}

#[test]
fn reading_for_long_is_told_and_the_line_goes_again() {
    let mut terminal = Terminal::new(24, 80);
    let (mut child, mut writer, rest) = waiting(&terminal, &[]);
    terminal.wait_for("kmodtrace: reading stdin");
    writer.write_all(&rest).unwrap();
    drop(writer);
    assert!(child.wait().unwrap().success());
    let said = terminal.rest();
    assert!(said.ends_with("\r\u{1b}[K"), "{said:?}");
}

#[test]
fn nothing_is_told_to_who_wants_quiet_or_does_not_wait() {
    for (options, long) in [(&["-q"][..], true), (&[], false)] {
        let terminal = Terminal::new(24, 80);
        let (mut child, mut writer, rest) = waiting(&terminal, options);
        if long {
            std::thread::sleep(std::time::Duration::from_millis(1_500));
        }
        writer.write_all(&rest).unwrap();
        drop(writer);
        assert!(child.wait().unwrap().success());
        assert_eq!(terminal.rest(), "", "{options:?}");
    }
}
