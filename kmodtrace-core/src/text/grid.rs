//! Plain aligned columns, two blanks between them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::printable;
use super::wrap::wrapped;

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

    /// Adds a row, whose cells are shown as [`printable`] makes them.
    pub(crate) fn row(&mut self, mut cells: Vec<String>) {
        for cell in &mut cells {
            if let Cow::Owned(shown) = printable(cell) {
                *cell = shown;
            }
        }
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// That of the first column, which says what the rows are of.
    pub(crate) fn title(&self) -> &'static str {
        self.columns.first().map_or("", |(title, _)| title)
    }

    /// Titles, and whether what is below is aligned to the left.
    pub(crate) fn columns(&self) -> &[(&'static str, bool)] {
        &self.columns
    }

    /// As many cells as there are columns in each.
    pub(crate) fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Writes it so that no line is longer than these columns: what does not fit beside the first column comes in further blocks, each
    /// with the first column again, and a column that is too wide by itself is broken into lines.
    pub(crate) fn write(&self, columns: usize, out: &mut impl Write) -> io::Result<()> {
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, (title, _))| {
                let cells = self.rows.iter().filter_map(|row| row.get(at)).map(String::len);
                cells.max().unwrap_or_default().max(title.len())
            })
            .collect();
        for (at, block) in blocks(&widths, columns).into_iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            self.block(&block, columns, out)?;
        }
        Ok(())
    }

    /// The columns of a block, with their widths.
    fn block(&self, block: &[(usize, usize)], columns: usize, out: &mut impl Write) -> io::Result<()> {
        let before: usize = block.iter().rev().skip(1).map(|(_, width)| width + GAP).sum();
        let last = columns.saturating_sub(before).max(1);
        let titles = self.columns.iter().map(|(title, _)| *title);
        let titles: Vec<&str> = titles.collect();
        self.line(&titles, block, last, out)?;
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.line(&cells, block, last, out)?;
        }
        Ok(())
    }

    /// A row of a block; the last cell may take more lines than one.
    fn line(&self, cells: &[&str], block: &[(usize, usize)], last: usize, out: &mut impl Write) -> io::Result<()> {
        let mut line = String::new();
        let mut more = Vec::new();
        let mut start = 0;
        for (nth, (at, width)) in block.iter().enumerate() {
            let (Some(cell), Some((_, left))) = (cells.get(*at), self.columns.get(*at)) else {
                continue;
            };
            let width = if nth + 1 == block.len() {
                last.min(*width)
            } else {
                *width
            };
            let mut lines = if cell.len() > width {
                wrapped(cell, "", "", width)
            } else {
                vec![(*cell).to_owned()]
            };
            let first = lines.remove(0);
            start = line.len();
            // Writing into a string does not fail.
            let _ = if *left {
                write!(line, "{first:<width$}  ")
            } else {
                write!(line, "{first:>width$}  ")
            };
            more = lines;
        }
        writeln!(out, "{}", line.trim_end())?;
        for rest in more {
            writeln!(out, "{:start$}{rest}", "")?;
        }
        Ok(())
    }
}

/// Blanks between columns.
const GAP: usize = 2;

/// Which columns stand beside each other, each with its width: the first one in every block.
fn blocks(widths: &[usize], columns: usize) -> Vec<Vec<(usize, usize)>> {
    let Some(first) = widths.first().copied() else {
        return Vec::new();
    };
    let mut blocks = Vec::new();
    let mut block = vec![(0, first)];
    let mut used = first;
    for (at, width) in widths.iter().copied().enumerate().skip(1) {
        if block.len() > 1 && used + GAP + width > columns {
            blocks.push(std::mem::replace(&mut block, vec![(0, first)]));
            used = first;
        }
        block.push((at, width));
        used += GAP + width;
    }
    blocks.push(block);
    blocks
}
