//! What sections of the answer are written of: sentences, and names with sentences behind them.

use std::io::{self, Write};

use super::TextLayout;
use crate::text::{printable, write_wrapped};

/// A name, and behind it a sentence that may take several lines.
pub(super) fn item(
    name: &str,
    sentence: &str,
    width: usize,
    layout: &TextLayout,
    out: &mut impl Write,
) -> io::Result<()> {
    let name = printable(name);
    let (first, rest) = if name.len() > width {
        writeln!(out, "  {name}")?;
        (format!("  {:width$}  ", ""), width)
    } else {
        (format!("  {name:<width$}  "), width)
    };
    let rest = " ".repeat(rest + 4);
    write_wrapped(sentence, &first, &rest, layout.columns, out)
}

/// As wide as the names need, within bounds.
pub(super) fn width<'n>(names: impl Iterator<Item = &'n str>) -> usize {
    names.map(str::len).max().unwrap_or_default().clamp(4, 20)
}

/// A sentence or more, which may take several lines.
pub(super) fn paragraph(text: &str, layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    write_wrapped(text, "  ", "    ", layout.columns, out)
}

/// How many more there are than were told, and what tells of them.
pub(super) fn more(all: usize, told: usize, how: &str, layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    match all.saturating_sub(told) {
        0 => Ok(()),
        more => paragraph(&format!("and {more} more: {how}"), layout, out),
    }
}

/// The first of these names, and how many more there are.
pub(super) fn first_of(names: impl Iterator<Item = String>, told: usize) -> String {
    let names: Vec<String> = names.collect();
    let first = names.get(..told).unwrap_or(&names).join(", ");
    match names.len().saturating_sub(told) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
