//! The report for spreadsheets: RFC 4180 with plain newlines, one row a module or an attempt, empty for null.
//!
//! A text that a spreadsheet would take for a formula begins with a `'`, and each control character is a `?`.

use std::borrow::Borrow;
use std::io::{self, Write};

use super::spread::outcomes;
use super::{AttemptRow, ModuleRow, Outcomes, Report, Rows};
use crate::measures::{MEASURES, Measure, STATS, Unit, Value};
use crate::model::{Note, WaitKind};
use crate::text::acts;

/// What a row has in a column.
type Cell<Row> = Box<dyn Fn(&Row) -> Option<String>>;
/// Columns of attempts keep their place: the kinds that the first version had, and those that came behind everything.
const FIRST_KINDS: [WaitKind; 3] = [WaitKind::SameInode, WaitKind::SameName, WaitKind::Async];
const LATER_KINDS: [WaitKind; 4] = [WaitKind::Dependency, WaitKind::Mutex, WaitKind::Rcu, WaitKind::Request];

/// A column: its title, and what a row has there.
struct Column<Row>(String, Cell<Row>);

impl<Row> Column<Row> {
    fn new<T: ToString>(title: impl Into<String>, cell: impl Fn(&Row) -> Option<T> + 'static) -> Self {
        Self(
            title.into(),
            Box::new(move |row| cell(row).map(|value| value.to_string())),
        )
    }
}

/// Writes a row for each module.
pub fn write_modules_csv(report: &Report, header: bool, out: &mut impl Write) -> io::Result<()> {
    write(&module_columns(), report.modules.iter(), header, out)
}

/// Writes a row for each attempt, loads and then unloads, waits summed up by kind. Without attempts only the header.
pub fn write_attempts_csv(report: &Report, header: bool, out: &mut impl Write) -> io::Result<()> {
    write(
        &attempt_columns(),
        report.attempts.iter().chain(&report.unloads).flat_map(Rows::iter),
        header,
        out,
    )
}

fn write<Row>(
    columns: &[Column<Row>],
    rows: impl Iterator<Item = impl Borrow<Row>>,
    header: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    if header {
        let titles: Vec<_> = columns.iter().map(|Column(title, _)| title.as_str()).collect();
        writeln!(out, "{}", titles.join(","))?;
    }
    for row in rows {
        let cells: Vec<_> = columns
            .iter()
            .map(|Column(_, cell)| quoted(&harmless(&cell(row.borrow()).unwrap_or_default())))
            .collect();
        writeln!(out, "{}", cells.join(","))?;
    }
    Ok(())
}

/// No formula, as OWASP tells them (CSV injection), unless it is a number.
fn harmless(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<i64>().is_err();
    let shown = cell.chars().map(|c| if acts(c) { '?' } else { c });
    is_formula.then_some('\'').into_iter().chain(shown).collect()
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}

/// How serde spells a variant.
pub(super) fn word(variant: Option<impl serde::Serialize>) -> Option<String> {
    Some(serde_json::to_value(variant?).ok()?.as_str()?.to_owned())
}

/// `EBUSY=7 ENODEV=1`
fn list(outcomes: &Outcomes) -> String {
    let parts: Vec<_> = outcomes.iter().map(|(name, count)| format!("{name}={count}")).collect();
    parts.join(" ")
}

fn module_columns() -> Vec<Column<ModuleRow>> {
    let name = Column::new("module", |row: &ModuleRow| row.name.clone());
    std::iter::once(name)
        .chain(MEASURES.iter().flat_map(measured))
        .collect()
}

/// The columns of a measure; empty where nobody watched.
fn measured(measure: &'static Measure) -> Vec<Column<ModuleRow>> {
    let csv = measure.csv;
    match measure.value {
        Value::Number(_, of) => vec![Column::new(csv, move |row: &ModuleRow| {
            of(&row.stats).filter(|_| row.observes(measure))
        })],
        Value::Outcomes(of) => vec![Column::new(csv, move |row: &ModuleRow| {
            Some(list(&outcomes(of(&row.stats)))).filter(|_| row.observes(measure))
        })],
        Value::Times(number, of) => STATS
            .iter()
            .map(|stat| {
                let title = match stat.unit {
                    Unit::Nanoseconds => format!("{csv}_{}_ns", stat.name),
                    Unit::Count | Unit::Bytes => format!("{csv}_{number}"),
                };
                Column::new(title, move |row: &ModuleRow| {
                    stat.read(of(&row.stats)).filter(|_| row.observes(measure))
                })
            })
            .collect(),
    }
}

fn attempt_wait(kind: WaitKind) -> Column<AttemptRow> {
    Column::new(
        format!("{}_wait_ns", kind.name()).replace('-', "_"),
        move |row: &AttemptRow| {
            row.waits
                .iter()
                .filter(|wait| wait.kind == kind)
                .filter_map(|wait| wait.duration_ns)
                .reduce(u64::saturating_add)
        },
    )
}

fn attempt_columns() -> Vec<Column<AttemptRow>> {
    let mut columns = vec![
        Column::new("id", |row: &AttemptRow| Some(row.id)),
        Column::new("module", |row: &AttemptRow| row.module.clone()),
        Column::new("tid", |row: &AttemptRow| Some(row.tid)),
        Column::new("tgid", |row: &AttemptRow| Some(row.tgid)),
        Column::new("comm", |row: &AttemptRow| Some(row.comm.clone())),
        Column::new("syscall", |row: &AttemptRow| word(row.syscall)),
        Column::new("file", |row: &AttemptRow| row.file.clone()),
        Column::new("start_ns", |row: &AttemptRow| row.start_ns),
        Column::new("end_ns", |row: &AttemptRow| row.end_ns),
        Column::new("duration_ns", |row: &AttemptRow| row.duration_ns),
        Column::new("errno", |row: &AttemptRow| row.errno),
        Column::new("errno_name", |row: &AttemptRow| row.errno_name.clone()),
        Column::new("role", |row: &AttemptRow| word(row.role)),
        Column::new("collided_with", |row: &AttemptRow| word(row.collided_with)),
        Column::new("leader_tid", |row: &AttemptRow| row.leader_tid),
        Column::new("leader_id", |row: &AttemptRow| row.leader_id),
    ];
    columns.extend(FIRST_KINDS.map(attempt_wait));
    columns.extend([
        Column::new("load_module_ns", |row: &AttemptRow| row.load_module_ns),
        Column::new("init_ns", |row: &AttemptRow| row.init_ns),
        Column::new("init_errno", |row: &AttemptRow| row.init_errno),
        Column::new("bytes", |row: &AttemptRow| row.bytes),
        Column::new("notes", |row: &AttemptRow| {
            Some(row.notes.iter().copied().map(Note::text).collect::<Vec<_>>().join("; "))
        }),
    ]);
    columns.extend(LATER_KINDS.map(attempt_wait));
    columns.extend([
        Column::new("request", |row: &AttemptRow| row.request),
        Column::new("origin_stage", |row: &AttemptRow| {
            Some(row.origin.as_ref()?.stage.name())
        }),
        Column::new("origin_function", |row: &AttemptRow| {
            Some(row.origin.as_ref()?.function.clone())
        }),
        Column::new("origin_causes", |row: &AttemptRow| {
            Some(row.origin.as_ref()?.causes.join(" "))
        }),
        Column::new("origin_from_tid", |row: &AttemptRow| row.origin.as_ref()?.from_tid),
        Column::new("origin_from_errno", |row: &AttemptRow| row.origin.as_ref()?.from_errno),
        Column::new("path", |row: &AttemptRow| row.path.clone()),
        Column::new("args", |row: &AttemptRow| row.args.clone()),
        Column::new("device", |row: &AttemptRow| Some(row.device.as_ref()?.path.clone())),
    ]);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_wait_has_its_columns() {
        let mut kinds = [&FIRST_KINDS[..], &LATER_KINDS[..]].concat();
        kinds.sort_unstable();
        assert_eq!(kinds, WaitKind::ALL);
    }

    #[test]
    fn quotes_only_where_needed() {
        for (cell, quoted_cell) in [
            ("modprobe", "modprobe"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
        ] {
            assert_eq!(quoted(cell), quoted_cell);
        }
    }

    #[test]
    fn no_text_is_a_formula_and_numbers_stay() {
        for (cell, shown) in [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1+1", "'+1+1"),
            ("-2+3", "'-2+3"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\t=1", "'?=1"),
            ("\r=1", "'?=1"),
            ("a\u{1b}[2J\nb\u{202e}\u{9b}\u{e4}", "a?[2J?b??\u{e4}"),
            ("-22", "-22"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell), shown);
        }
    }
}
