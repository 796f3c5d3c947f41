//! Rows that wait for being written, column by column.

use std::borrow::Cow;
use std::collections::HashMap;

use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::writer::SerializedColumnWriter;

use crate::column::{Cell, Column};

/// Rows of a table.
#[derive(Default)]
pub(crate) struct Rows {
    recordings: Leaf,
    columns: Vec<Stored>,
    pub(crate) count: usize,
}

/// A column, which is one leaf of Parquet's, or two of a map: its keys and its values.
#[derive(Default)]
struct Stored {
    leaf: Leaf,
    values: Option<Leaf>,
}

/// Values without nulls, and the levels that say where nulls and lists are.
#[derive(Default)]
struct Leaf {
    numbers: Vec<i64>,
    flags: Vec<bool>,
    texts: Texts,
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

/// Texts, each of which is kept once.
#[derive(Default)]
struct Texts {
    known: HashMap<Box<str>, u32>,
    all: Vec<ByteArray>,
    rows: Vec<u32>,
    bytes: usize,
}

impl Rows {
    /// Adds a row.
    pub(crate) fn push<A, B>(&mut self, columns: &[Column<A, B>], recording: &str, a: &A, b: &B) {
        self.columns.resize_with(columns.len(), Stored::default);
        self.recordings.text(Some(Cow::Borrowed(recording)));
        for (column, stored) in columns.iter().zip(&mut self.columns) {
            stored.push(&column.cell, a, b);
        }
        self.count += 1;
    }

    /// About how many bytes texts and lists take, of which there is no most in a row.
    pub(crate) fn bytes(&self) -> usize {
        let leaves = self.leaves();
        leaves.map(|leaf| leaf.texts.bytes + leaf.repetition.len() * 12).sum()
    }

    /// In the order of Parquet's columns.
    pub(crate) fn write(
        &self,
        mut next: impl FnMut(&dyn Fn(SerializedColumnWriter<'_>) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        for leaf in self.leaves() {
            next(&|column| leaf.write(column))?;
        }
        Ok(())
    }

    fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        let columns = self
            .columns
            .iter()
            .flat_map(|stored| [Some(&stored.leaf), stored.values.as_ref()]);
        [&self.recordings].into_iter().chain(columns.flatten())
    }
}

impl Stored {
    fn push<A, B>(&mut self, cell: &Cell<A, B>, a: &A, b: &B) {
        let leaf = &mut self.leaf;
        match cell {
            Cell::Number(of) => leaf.number(of(a, b).map(most)),
            Cell::Signed(of) => leaf.number(of(a, b)),
            Cell::Time(of) => leaf.number(of(a, b).map(|nanos| most(nanos / 1_000))),
            Cell::Flag(of) => {
                let flag = of(a, b);
                leaf.definition.push(i16::from(flag.is_some()));
                leaf.flags.extend(flag);
            }
            Cell::Text(of) => leaf.text(of(a, b)),
            Cell::Numbers(of) => {
                let numbers = of(a, b);
                leaf.list(numbers.as_ref().map(Vec::len));
                leaf.numbers.extend(numbers.into_iter().flatten().map(most));
            }
            Cell::Texts(of) => {
                let texts = of(a, b);
                leaf.list(texts.as_ref().map(Vec::len));
                texts.into_iter().flatten().for_each(|text| leaf.texts.push(text));
            }
            Cell::Map(of) => {
                let pairs = of(a, b);
                let values = self.values.get_or_insert_default();
                for half in [&mut *leaf, &mut *values] {
                    half.elements(pairs.len(), 0);
                }
                for (key, value) in pairs {
                    leaf.texts.push(Cow::Borrowed(key));
                    values.texts.push(Cow::Borrowed(value));
                }
            }
        }
    }
}

/// There are no numbers above that in SQL.
fn most(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Leaf {
    fn number(&mut self, number: Option<i64>) {
        self.definition.push(i16::from(number.is_some()));
        self.numbers.extend(number);
    }

    fn text(&mut self, text: Option<Cow<'_, str>>) {
        self.definition.push(i16::from(text.is_some()));
        if let Some(text) = text {
            self.texts.push(text);
        }
    }

    /// The levels of a list that may be null.
    fn list(&mut self, count: Option<usize>) {
        match count {
            None => self.elements(0, 0),
            Some(count) => self.elements(count, 1),
        }
    }

    /// The levels of so many elements; `none` is that of a list without any.
    fn elements(&mut self, count: usize, none: i16) {
        if count == 0 {
            self.definition.push(none);
            self.repetition.push(0);
        }
        for nth in 0..count {
            self.definition.push(none + 1);
            self.repetition.push(i16::from(nth > 0));
        }
    }

    fn write(&self, mut column: SerializedColumnWriter<'_>) -> Result<()> {
        let definition = Some(&self.definition[..]);
        let repetition = Some(&self.repetition[..]).filter(|levels| !levels.is_empty());
        match column.untyped() {
            ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(&self.numbers, definition, repetition),
            ColumnWriter::BoolColumnWriter(writer) => writer.write_batch(&self.flags, definition, repetition),
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                writer.write_batch(&self.texts.values(), definition, repetition)
            }
            // Columns are of no other type.
            _ => Ok(0),
        }?;
        column.close()
    }
}

impl Texts {
    fn push(&mut self, text: Cow<'_, str>) {
        let number = if let Some(number) = self.known.get(&*text) {
            *number
        } else {
            // There is no room for as many texts.
            let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
            self.bytes += 2 * text.len() + 100;
            self.all.push(ByteArray::from(&*text));
            self.known.insert(text.into(), number);
            number
        };
        self.rows.push(number);
    }

    fn values(&self) -> Vec<ByteArray> {
        let text = |number: &u32| self.all.get(*number as usize).cloned().unwrap_or_default();
        self.rows.iter().map(text).collect()
    }
}
