//! Samples, whatever format they are written in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use kmodtrace_core::analysis::histogram::Histogram;
use kmodtrace_core::text::printable;

/// In what samples are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// Seconds. Values are kept in nanoseconds.
    Seconds,
    /// Bytes.
    Bytes,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sum, which only grows.
    Counter,
    /// A value that comes and goes.
    Gauge,
    /// A text, in labels; the value is 1.
    Info,
    /// How values are distributed.
    Histogram,
}

/// The value of a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'m> {
    /// How many, or bytes.
    Count(u64),
    /// Nanoseconds.
    Nanoseconds(u64),
    /// Distributed nanoseconds.
    Times(Cow<'m, Histogram>),
}

/// Names and values of labels, in the order of the table. Values are printable ASCII.
pub type Labels = Vec<(Cow<'static, str>, String)>;

/// Samples of one metric by their labels, no two of which are the same.
#[derive(Debug)]
pub(crate) struct Samples<'m> {
    names: &'static [&'static str],
    pub(crate) all: BTreeMap<Labels, Value<'m>>,
}

impl<'m> Samples<'m> {
    /// None yet. Labels have these names.
    pub(crate) fn new(names: &'static [&'static str]) -> Self {
        Self {
            names,
            all: BTreeMap::new(),
        }
    }

    /// Adds one with these values of the labels.
    pub(crate) fn add<const N: usize>(&mut self, values: [&str; N], value: Value<'m>) {
        let names = self.names.iter().map(|name| Cow::Borrowed(*name));
        let values = values.into_iter().map(|value| printable(value).into_owned());
        self.add_named(names.zip(values).collect(), value);
    }

    /// Adds one with labels of its own. What has the same labels, as names may that differ in what cannot be shown, is one sample.
    pub(crate) fn add_named(&mut self, labels: Labels, value: Value<'m>) {
        match self.all.get_mut(&labels) {
            Some(known) => known.add(&value),
            None => drop(self.all.insert(labels, value)),
        }
    }
}

impl Value<'_> {
    fn add(&mut self, other: &Value<'_>) {
        match (self, other) {
            (Value::Count(sum), Value::Count(more)) | (Value::Nanoseconds(sum), Value::Nanoseconds(more)) => {
                *sum = sum.saturating_add(*more);
            }
            (Value::Times(times), Value::Times(more)) => times.to_mut().merge(more),
            // All samples of a row have values of one kind.
            _ => {}
        }
    }
}
