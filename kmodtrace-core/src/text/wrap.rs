//! Lines that fit a width.

use std::io::{self, Write};

use super::printable;

/// Breaks a text at its blanks into lines of so many columns: the first begins with `first`, those behind it with `rest`, which count.
/// A word that is longer than a line is cut.
pub(super) fn wrapped(text: &str, first: &str, rest: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut word = word;
        if !empty && line.len() + 1 + word.len() > columns {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            empty = true;
        }
        // Texts are printable ASCII: any byte is a place to cut at.
        while empty && line.len() + word.len() > columns {
            let room = columns.saturating_sub(line.len()).max(1);
            let Some((head, tail)) = word.split_at_checked(room) else {
                break;
            };
            line.push_str(head);
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            word = tail;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines
}

/// Writes a text as such lines, and as [`printable`] makes it.
pub(crate) fn write_wrapped(
    text: &str,
    first: &str,
    rest: &str,
    columns: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let lines = wrapped(&printable(text), first, rest, columns);
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(wrapped("one two three", "", "  ", 8), ["one two", "  three"]);
        assert_eq!(wrapped("abcdefghij k", "> ", "  ", 6), ["> abcd", "  efgh", "  ij k"]);
        assert_eq!(wrapped("", "x", "", 5), ["x"]);
    }
}
