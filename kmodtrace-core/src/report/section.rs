//! Parts of a report that are told in sentences: what they say, and how text lays it out.

use std::io::{self, Write};

use super::TextLayout;
use crate::text::{printable, write_wrapped};

/// A heading, and what there is to say below it.
pub(super) struct Section {
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
}

/// What a section is made of. Each may take several lines of text.
pub(super) enum Line {
    /// A name, and a sentence behind it.
    Item { name: String, sentence: String },
    /// A sentence or more.
    Sentence(String),
}

impl Section {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            lines: Vec::new(),
        }
    }

    pub(super) fn item(&mut self, name: &str, sentence: impl Into<String>) {
        self.lines.push(Line::Item {
            name: name.to_owned(),
            sentence: sentence.into(),
        });
    }

    pub(super) fn sentence(&mut self, text: impl Into<String>) {
        self.lines.push(Line::Sentence(text.into()));
    }

    /// How many more there are than were told, and what tells of them.
    pub(super) fn more(&mut self, all: usize, told: usize, how: &str) {
        let more = all.saturating_sub(told);
        if more > 0 {
            self.sentence(format!("and {more} more: {how}"));
        }
    }

    /// None where there is nothing to say.
    pub(super) fn some(self) -> Option<Self> {
        (!self.lines.is_empty()).then_some(self)
    }

    /// Writes it as text.
    pub(super) fn write(&self, layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\n{}", printable(&self.title))?;
        let names = self.lines.iter().map(|line| match line {
            Line::Item { name, .. } => name.len(),
            Line::Sentence(_) => 0,
        });
        // As wide as the names need, within bounds.
        let width = names.max().unwrap_or_default().clamp(4, 20);
        self.lines.iter().try_for_each(|line| match line {
            Line::Item { name, sentence } => item(name, sentence, width, layout, out),
            Line::Sentence(text) => write_wrapped(text, "  ", "    ", layout.columns, out),
        })
    }
}

fn item(name: &str, sentence: &str, width: usize, layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    let name = printable(name);
    let first = if name.len() > width {
        writeln!(out, "  {name}")?;
        format!("  {:width$}  ", "")
    } else {
        format!("  {name:<width$}  ")
    };
    write_wrapped(sentence, &first, &" ".repeat(width + 4), layout.columns, out)
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
