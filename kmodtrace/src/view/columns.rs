//! The columns of the table of modules: one list for titles, widths, texts and sorting.

use std::cmp::{Ordering, Reverse};
use std::sync::LazyLock;

use kmodtrace_core::measures::{MEASURES, Measure, Value};
use kmodtrace_core::monitor::ModuleNow;
use kmodtrace_core::report::ModuleRow;
use kmodtrace_core::text::{printable, span_text};

use super::theme::Signs;

/// A module without a name.
pub(super) const UNKNOWN: &str = "(unknown)";
/// Where nobody watched, as in the report.
pub(super) const NOT_OBSERVED: &str = "n/o";
/// Where there was none.
pub(super) const NONE: &str = "-";

/// By what a column sorts: numbers most first, names in their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(Reverse<u64>),
    Name(String),
}

/// A column.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) width: u16,
    pub(super) left: bool,
    content: Content,
}

/// What a column shows.
#[derive(Clone, Copy)]
enum Content {
    Measure(&'static Measure),
    /// Something that no measure says.
    Own {
        text: fn(&ModuleNow, &Signs) -> String,
        key: fn(&ModuleNow) -> Key,
    },
}

/// The column that is sorted by at first.
pub(super) const BY_ATTEMPTS: usize = 1;

/// All columns: the name and the numbers of a module, its waits, its times, and what remains. Where there is no room for all, the
/// last are left out.
pub(super) static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let (times, numbers): (Vec<_>, Vec<_>) = MEASURES
        .iter()
        .partition(|measure| matches!(measure.value, Value::Times(..)));
    let measured = |measures: Vec<_>| measures.into_iter().filter_map(Column::from_measure).collect();
    [
        NAME.to_vec(),
        measured(numbers),
        WAITS.to_vec(),
        measured(times),
        REST.to_vec(),
    ]
    .concat()
});

const NAME: &[Column] = &[Column {
    title: "MODULE",
    width: 16,
    left: true,
    content: Content::Own {
        text: |module, _| printable(module.row.name.as_deref().unwrap_or(UNKNOWN)).into_owned(),
        key: |module| Key::Name(module.row.name.clone().unwrap_or_default()),
    },
}];

const WAITS: &[Column] = &[
    Column {
        title: "WAITING",
        width: 7,
        left: false,
        content: Content::Own {
            text: |module, _| match (module.waiting, module.in_flight) {
                (0, 0) => NONE.to_owned(),
                (waiting, in_flight) => format!("{waiting}/{in_flight}"),
            },
            key: |module| number(module.waiting * 65_536 + module.in_flight),
        },
    },
    Column {
        title: "WAITS",
        width: 6,
        left: false,
        content: Content::Own {
            text: |module, _| some(module.wait_ns.count, Some(module.wait_ns.total)),
            key: |module| number(module.wait_ns.total),
        },
    },
    Column {
        title: "max",
        width: 6,
        left: false,
        content: Content::Own {
            text: |module, _| some(module.wait_ns.count, module.wait_ns.max),
            key: |module| number(module.wait_ns.max.unwrap_or_default()),
        },
    },
    Column {
        title: "p50",
        width: 6,
        left: false,
        content: Content::Own {
            text: |module, _| some(module.wait_ns.count, module.wait_ns.p50),
            key: |module| number(module.wait_ns.p50.unwrap_or_default()),
        },
    },
    Column {
        title: "p99",
        width: 6,
        left: false,
        content: Content::Own {
            text: |module, _| some(module.wait_ns.count, module.wait_ns.p99),
            key: |module| number(module.wait_ns.p99.unwrap_or_default()),
        },
    },
];

const REST: &[Column] = &[
    Column {
        title: "RECENT",
        width: 16,
        // The latest stands at the right.
        left: false,
        content: Content::Own {
            text: sparkline,
            key: |module| {
                number(
                    module
                        .recent
                        .last()
                        .and_then(|recent| recent.duration_ns)
                        .unwrap_or_default(),
                )
            },
        },
    },
    Column {
        title: "GOING",
        width: 10,
        left: false,
        content: Content::Own {
            text: |module, _| match &module.row.going {
                None => NOT_OBSERVED.to_owned(),
                Some(going) if going.windows == 0 => NONE.to_owned(),
                Some(going) => format!("{} {}", going.windows, span_text(going.total_ns)),
            },
            key: |module| number(module.row.going.as_ref().map_or(0, |going| going.total_ns)),
        },
    },
    Column {
        title: "COLLISIONS",
        width: 36,
        left: true,
        content: Content::Own {
            text: |module, _| collisions(&module.row),
            key: |module| number(met(&module.row)),
        },
    },
];

impl Column {
    fn from_measure(measure: &'static Measure) -> Option<Self> {
        let (title, width) = measure.view?;
        Some(Self {
            title,
            width,
            left: matches!(measure.value, Value::Outcomes(_)),
            content: Content::Measure(measure),
        })
    }

    pub(super) fn text(&self, module: &ModuleNow, signs: &Signs) -> String {
        match self.content {
            Content::Measure(measure) => module.row.cell(measure, None),
            Content::Own { text, .. } => text(module, signs),
        }
    }

    fn key(&self, module: &ModuleNow) -> Key {
        match self.content {
            Content::Measure(measure) => number(module.row.weight(measure)),
            Content::Own { key, .. } => key(module),
        }
    }
}

/// How two modules follow each other by this column.
pub(super) fn compare(column: usize, a: &ModuleNow, b: &ModuleNow) -> Ordering {
    COLUMNS
        .get(column)
        .map_or(Ordering::Equal, |column| column.key(a).cmp(&column.key(b)))
}

fn number(number: u64) -> Key {
    Key::Number(Reverse(number))
}

/// A time, where anything was timed.
fn some(count: u64, nanos: Option<u64>) -> String {
    nanos.filter(|_| count > 0).map_or_else(|| NONE.to_owned(), span_text)
}

fn met(row: &ModuleRow) -> u64 {
    row.collisions.named().iter().filter_map(|(_, count)| *count).sum()
}

fn collisions(row: &ModuleRow) -> String {
    let named = row.collisions.named();
    if named.iter().all(|(_, count)| count.is_none()) {
        return NOT_OBSERVED.to_owned();
    }
    let seen = named
        .iter()
        .filter_map(|(state, count)| Some((state, count.filter(|count| *count > 0)?)));
    let seen: Vec<String> = seen.map(|(state, count)| format!("{state} {count}")).collect();
    if seen.is_empty() {
        NONE.to_owned()
    } else {
        seen.join(" ")
    }
}

/// How long the last loads took: each level is four times the one below, from 64 us on.
fn sparkline(module: &ModuleNow, signs: &Signs) -> String {
    let level = |nanos: u64| {
        (nanos / 16_384)
            .checked_ilog2()
            .map_or(0, |octaves| octaves.saturating_sub(1) / 2)
    };
    let sign = |nanos: u64| signs.levels[(level(nanos) as usize).min(signs.levels.len() - 1)];
    module
        .recent
        .iter()
        .map(|recent| recent.duration_ns.map_or('?', sign))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_fit_their_columns() {
        for column in COLUMNS.iter() {
            assert!(column.title.len() <= usize::from(column.width), "{}", column.title);
        }
        assert_eq!(COLUMNS.get(BY_ATTEMPTS).map(|column| column.title), Some("ATTEMPTS"));
    }
}
