//! What must hold of everything that is written, whatever it is made of.

use std::io;

use kmodtrace_core::text::{Harmless, acts};
use serde::de::IgnoredAny;

/// Text for people, as commands print it.
pub(crate) fn text(write: impl FnOnce(&mut Harmless<&mut Vec<u8>>) -> io::Result<()>) -> String {
    harmless(|out| write(&mut Harmless::new(out)))
}

/// JSON values, a line for each or over several lines.
pub(crate) fn json(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
    let text = harmless(write);
    for value in serde_json::Deserializer::from_str(&text).into_iter::<IgnoredAny>() {
        value.unwrap();
    }
}

/// Comma-separated values: in each row as many cells as in the first.
pub(crate) fn csv(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
    let text = harmless(write);
    let (mut quoted, mut cells, mut rows) = (false, 1, Vec::new());
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells += 1,
            '\n' if !quoted => rows.push(std::mem::replace(&mut cells, 1)),
            _ => {}
        }
    }
    assert!(!quoted && rows.windows(2).all(|two| two[0] == two[1]), "{text}");
}

/// A line.
pub(crate) fn line(line: &str) {
    assert!(!line.contains('\n'), "{line:?}");
}

/// What has no character that acts on what shows it.
fn harmless(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    // Nearly all of it is plain, which is seen faster.
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
    let acting = || text.chars().find(|c| *c != '\n' && acts(*c));
    assert!(text.as_bytes().iter().all(plain) || acting().is_none(), "{text:?}");
    text
}
