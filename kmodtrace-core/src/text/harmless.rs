//! What may be shown. Names, arguments and lines of the kernel log come from users and files, and may hold characters that act on a
//! terminal, an editor or a browser.

use std::borrow::Cow;
use std::io::{self, Write};

/// Whether a character acts on what shows it: a control character, one that ends a line, or one that turns the direction of text
/// (Unicode Standard Annex 9, section 2).
pub fn acts(c: char) -> bool {
    let turns_or_ends =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns_or_ends || c.is_control()
}

/// A name as tables show it: all but printable ASCII becomes a `?`, so that no name moves the cursor, and each byte is a column.
pub fn printable(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_graphic() || c == ' ';
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if plain(c) { c } else { '?' }).collect())
}

/// Passes text on, but for characters that [act](acts). Line feeds pass: whoever writes lines takes them out of names.
#[derive(Debug)]
pub struct Harmless<W> {
    out: W,
    instead: fn(char) -> String,
}

impl<W: Write> Harmless<W> {
    /// For text of any kind: each of them becomes a `?`.
    pub fn new(out: W) -> Self {
        let instead = |_| "?".to_owned();
        Self { out, instead }
    }

    /// For JSON, which has them nowhere but in strings: each of them is escaped, `\u202e`.
    pub(super) fn json(out: W) -> Self {
        let instead = |c| format!("\\u{:04x}", u32::from(c));
        Self { out, instead }
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Without an early end, which takes longer.
        let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
        if bytes.iter().fold(true, |all, byte| all & plain(byte)) {
            return self.out.write(bytes);
        }
        let mut text = String::with_capacity(bytes.len());
        for c in String::from_utf8_lossy(bytes).chars() {
            if c != '\n' && acts(c) {
                text.push_str(&(self.instead)(c));
            } else {
                text.push(c);
            }
        }
        self.out.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;

    #[test]
    fn no_name_moves_the_cursor() {
        assert_eq!(printable("mod\u{1b}[2J\nprobe\u{e4}"), "mod?[2J?probe?");
        assert_eq!(printable("kworker/u8:1"), "kworker/u8:1");
    }

    #[test]
    fn what_acts_does_not_pass() {
        let mut out = Vec::new();
        write!(
            Harmless::new(&mut out),
            "a\u{1b}[2J\tb\u{9b}\u{7f}\u{202e}\u{2028}c\n\u{e4}\u{540d}\u{2013}"
        )
        .unwrap();
        Harmless::new(&mut out).write_all(&[b'x', 0x9b, b'y']).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "a?[2J?b????c\n\u{e4}\u{540d}\u{2013}x\u{fffd}y"
        );
    }
}
