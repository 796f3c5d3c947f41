//! Plain aligned columns, two blanks between them.

use std::borrow::Cow;
use std::io::{self, Write};

/// Rows of cells below a header. A column is as wide as its widest cell.
pub(crate) struct Grid {
    /// Title, and whether it is aligned to the left.
    columns: Vec<(&'static str, bool)>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// Titles; those that begin with `<` are aligned to the left.
    pub(crate) fn new(titles: &[&'static str]) -> Self {
        let columns = titles.iter().map(|title| match title.strip_prefix('<') {
            Some(left) => (left, true),
            None => (*title, false),
        });
        Self {
            columns: columns.collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, (title, _))| {
                let cells = self.rows.iter().filter_map(|row| row.get(at)).map(String::len);
                cells.max().unwrap_or_default().max(title.len())
            })
            .collect();
        let header: Vec<&str> = self.columns.iter().map(|(title, _)| *title).collect();
        self.line(&widths, &header, out)?;
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.line(&widths, &cells, out)?;
        }
        Ok(())
    }

    fn line(&self, widths: &[usize], cells: &[&str], out: &mut impl Write) -> io::Result<()> {
        let mut line = String::new();
        for ((cell, width), (_, left)) in cells.iter().zip(widths).zip(&self.columns) {
            let cell = if *left {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            };
            line.push_str(&cell);
            line.push_str("  ");
        }
        writeln!(out, "{}", line.trim_end())
    }
}

/// Names come from users and files: what is not printable ASCII becomes a `?`, so that no name moves the cursor.
pub fn printable(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_graphic() || c == ' ';
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if plain(c) { c } else { '?' }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_moves_the_cursor() {
        assert_eq!(printable("mod\u{1b}[2J\nprobe\u{e4}"), "mod?[2J?probe?");
        assert_eq!(printable("kworker/u8:1"), "kworker/u8:1");
    }
}
