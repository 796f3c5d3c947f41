//! Columns: what each is called, what it holds, in which unit, and how it is got of a row.

use std::borrow::Cow;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::errors::Result;
use parquet::schema::types::{Type, TypePtr};

/// Text of a row.
pub(crate) type Text<'r> = Option<Cow<'r, str>>;

/// A column of the rows that are made of an `A` and a `B`, such as an attempt and one of its waits.
pub(crate) struct Column<A, B = ()> {
    /// Its name; one of nanoseconds ends in `_ns`.
    pub(crate) name: &'static str,
    /// What it is, in a sentence without its end.
    pub(crate) doc: &'static str,
    pub(crate) cell: Cell<A, B>,
}

/// How a column's value is got; none is null.
pub(crate) enum Cell<A, B> {
    /// What is above the largest number of a column is that.
    Number(fn(&A, &B) -> Option<u64>),
    Signed(fn(&A, &B) -> Option<i64>),
    /// Nanoseconds since 1970, of which the microseconds are kept.
    Time(fn(&A, &B) -> Option<u64>),
    Flag(fn(&A, &B) -> Option<bool>),
    Text(for<'r> fn(&'r A, &'r B) -> Text<'r>),
    Numbers(fn(&A, &B) -> Option<Vec<u64>>),
    Texts(for<'r> fn(&'r A, &'r B) -> Option<Vec<Cow<'r, str>>>),
    Map(for<'r> fn(&'r A, &'r B) -> Vec<(&'r str, &'r str)>),
}

macro_rules! constructors {
    ($($(#[doc = $doc:literal])+ $name:ident $variant:ident($value:ty);)+) => {
        impl<A, B> Column<A, B> {
            $($(#[doc = $doc])+
            pub(crate) const fn $name(name: &'static str, doc: &'static str, cell: $value) -> Self {
                Self { name, doc, cell: Cell::$variant(cell) }
            })+
        }
    };
}

constructors! {
    /// A number.
    number Number(fn(&A, &B) -> Option<u64>);
    /// A number that may be negative.
    signed Signed(fn(&A, &B) -> Option<i64>);
    /// A time of the calendar.
    time Time(fn(&A, &B) -> Option<u64>);
    /// Yes or no.
    flag Flag(fn(&A, &B) -> Option<bool>);
    /// A text.
    text Text(for<'r> fn(&'r A, &'r B) -> Text<'r>);
    /// A list of numbers.
    numbers Numbers(fn(&A, &B) -> Option<Vec<u64>>);
    /// A list of texts.
    texts Texts(for<'r> fn(&'r A, &'r B) -> Option<Vec<Cow<'r, str>>>);
    /// Texts by name.
    map Map(for<'r> fn(&'r A, &'r B) -> Vec<(&'r str, &'r str)>);
}

impl<A, B> Column<A, B> {
    /// Its type, in the words of SQL.
    pub(crate) fn sql_type(&self) -> &'static str {
        match self.cell {
            Cell::Number(_) | Cell::Signed(_) => "bigint",
            Cell::Time(_) => "timestamp",
            Cell::Flag(_) => "boolean",
            Cell::Text(_) => "text",
            Cell::Numbers(_) => "list of bigint",
            Cell::Texts(_) => "list of text",
            Cell::Map(_) => "map of text to text",
        }
    }

    /// In what it is measured, as its name says; empty for what is no measure.
    pub(crate) fn unit(&self) -> &'static str {
        match self.name {
            name if name.ends_with("_ns") => "ns",
            name if name.ends_with("bytes") => "bytes",
            _ => "",
        }
    }

    /// As Parquet has it.
    pub(crate) fn parquet_type(&self) -> Result<TypePtr> {
        let leaf = |name: &str, repetition| match self.cell {
            Cell::Number(_) | Cell::Signed(_) | Cell::Numbers(_) => primitive(name, Physical::INT64, None, repetition),
            // Spark reads no timestamps of nanoseconds.
            Cell::Time(_) => {
                let micros = LogicalType::timestamp(true, TimeUnit::MICROS);
                primitive(name, Physical::INT64, Some(micros), repetition)
            }
            Cell::Flag(_) => primitive(name, Physical::BOOLEAN, None, repetition),
            Cell::Text(_) | Cell::Texts(_) | Cell::Map(_) => {
                primitive(name, Physical::BYTE_ARRAY, Some(LogicalType::String), repetition)
            }
        };
        match self.cell {
            Cell::Numbers(_) | Cell::Texts(_) => {
                let element = leaf("element", Repetition::REQUIRED)?;
                let list = group("list", Repetition::REPEATED, None, vec![element])?;
                group(self.name, Repetition::OPTIONAL, Some(LogicalType::List), vec![list])
            }
            Cell::Map(_) => {
                let pair = ["key", "value"].map(|name| leaf(name, Repetition::REQUIRED));
                let pair = pair.into_iter().collect::<Result<_>>()?;
                let pairs = group("key_value", Repetition::REPEATED, None, pair)?;
                group(self.name, Repetition::REQUIRED, Some(LogicalType::Map), vec![pairs])
            }
            _ => leaf(self.name, Repetition::OPTIONAL),
        }
    }
}

fn primitive(name: &str, physical: Physical, logical: Option<LogicalType>, repetition: Repetition) -> Result<TypePtr> {
    let built = Type::primitive_type_builder(name, physical).with_repetition(repetition);
    built.with_logical_type(logical).build().map(Arc::new)
}

fn group(name: &str, repetition: Repetition, logical: Option<LogicalType>, fields: Vec<TypePtr>) -> Result<TypePtr> {
    let built = Type::group_type_builder(name).with_repetition(repetition);
    built
        .with_logical_type(logical)
        .with_fields(fields)
        .build()
        .map(Arc::new)
}

/// The schema of a table: the column that says of which recording a row is, and these.
pub(crate) fn schema<A, B>(table: &str, columns: &[Column<A, B>]) -> Result<TypePtr> {
    let recording = primitive(
        RECORDING,
        Physical::BYTE_ARRAY,
        Some(LogicalType::String),
        Repetition::OPTIONAL,
    );
    let others = columns.iter().map(Column::parquet_type);
    let fields = [recording].into_iter().chain(others).collect::<Result<_>>()?;
    Type::group_type_builder(table)
        .with_fields(fields)
        .build()
        .map(Arc::new)
}

/// The first column of each table.
pub(crate) const RECORDING: &str = "recording";
