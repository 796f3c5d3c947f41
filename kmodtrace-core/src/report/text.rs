//! The report for people: plain text, ASCII, aligned.

use std::io::{self, Write};

use super::cell::{NONE, count, instant, outcomes_text, span};
use super::requests_text::{requested, requests};
use super::{AttemptRow, ModuleRow, NOT_OBSERVED, Report, Rows, TextLayout, WaitRow, answer, head};
use crate::analysis::findings::write_findings;
use crate::measures::MEASURES;
use crate::model::Zero;
use crate::text::{Grid, write_wrapped};

/// Rows of a table of attempts or requests, 24 MiB.
const ROWS: usize = 32_768;

/// Writes the head, then the attempts if the report has them, else the answer and a table for each side of the modules; then the findings,
/// and what was not observed.
pub fn write_text(report: &Report, layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    head::write(report, layout, out)?;
    match (&report.attempts, &report.unloads) {
        (None, None) => {
            for section in answer::sections(report, layout.zero) {
                section.write(layout, out)?;
            }
            for table in tables(report) {
                writeln!(out)?;
                table.grid.write(layout.columns, out)?;
                table.note.map_or(Ok(()), |note| writeln!(out, "{note}"))?;
            }
            if report.modules.is_empty() {
                writeln!(out, "\nno attempts")?;
            }
        }
        (loads, unloads) => {
            for rows in [loads, unloads].into_iter().flatten() {
                write_rows(rows, |rows| attempts(rows, layout.zero), layout, out)?;
            }
            if let Some(rows) = &report.requests {
                write_rows(rows, |rows| requests(rows, layout.zero), layout, out)?;
            }
        }
    }
    if !report.findings.is_empty() {
        writeln!(out, "\nFINDINGS")?;
        write_findings(&report.findings, layout.columns, out)?;
    }
    if !report.quality.unobserved.is_empty() {
        writeln!(out, "\nNOT OBSERVED")?;
        for reason in &report.quality.unobserved {
            write_wrapped(reason, "  ", "    ", layout.columns, out)?;
        }
    }
    writeln!(out, "\n{NONE} none   {NOT_OBSERVED} not observed")
}

/// A column is as wide as its widest cell, so all rows are there before the first is written.
fn write_rows<T>(
    rows: &Rows<T>,
    table: impl Fn(&mut dyn Iterator<Item = T>) -> Grid,
    layout: &TextLayout,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut rows = rows.iter();
    let table = table(&mut rows.by_ref().take(ROWS));
    if !table.is_empty() {
        writeln!(out)?;
        table.write(layout.columns, out)?;
    }
    if rows.next().is_some() {
        writeln!(out, "these are the first {ROWS}: --json has all")?;
    }
    Ok(())
}

/// A table, and what it leaves out.
pub(super) struct Table {
    pub(super) grid: Grid,
    pub(super) note: Option<String>,
}

/// A table for each side of the modules that there is something to say of.
pub(super) fn tables(report: &Report) -> Vec<Table> {
    let rows = &report.modules;
    let (waits, left_out) = waits(rows);
    let many = if left_out == 1 { "" } else { "s" };
    let note = (left_out > 0).then(|| format!("and {left_out} row{many} of short waits: --json has all"));
    let requested = requested(report.requested.as_deref().unwrap_or_default());
    let tables = [
        (modules(rows), None),
        (waits, note),
        (collisions(rows), None),
        (unloads(rows), None),
        (requested, None),
    ];
    let tables = tables.into_iter().map(|(grid, note)| Table { grid, note });
    tables.filter(|table| !table.grid.is_empty()).collect()
}

fn modules(rows: &[ModuleRow]) -> Grid {
    let columns: Vec<_> = MEASURES
        .iter()
        .flat_map(|measure| measure.text.iter().map(move |(title, stat)| (*title, measure, *stat)))
        .collect();
    let titles: Vec<_> = columns.iter().map(|(title, ..)| *title).collect();
    let mut grid = Grid::new(&[&["<MODULE"], &titles[..]].concat());
    for row in rows.iter().filter(|row| row.attempts > 0 || row.unloads.count == 0) {
        let mut cells = vec![name(row.name.as_deref())];
        cells.extend(columns.iter().map(|(_, measure, stat)| row.cell(measure, *stat)));
        grid.row(cells);
    }
    grid
}

/// Waits, longest sum first, and how many rows were left out: those that add up to less than a thousandth of the greatest.
fn waits(rows: &[ModuleRow]) -> (Grid, usize) {
    const SHARE: u64 = 1_000;
    let mut grid = Grid::new(&["<WAITS", "<kind", "count", "total", "p50", "p90", "p99", "max"]);
    let mut waits: Vec<(&ModuleRow, &WaitRow, u64)> = rows
        .iter()
        .flat_map(|row| row.waits.iter().map(move |wait| (row, wait)))
        .filter(|(_, wait)| wait.count.is_some_and(|count| count > 0))
        .map(|(row, wait)| (row, wait, wait.total_ns.unwrap_or_default()))
        .collect();
    waits.sort_by_key(|(.., total)| std::cmp::Reverse(*total));
    let most = waits.first().map_or(0, |(.., total)| *total);
    let all = waits.len();
    waits.retain(|(.., total)| *total >= most / SHARE);
    for (row, wait, _) in &waits {
        grid.row(vec![
            name(row.name.as_deref()),
            wait.kind.name().to_owned(),
            count(wait.count),
            span(wait.total_ns),
            span(wait.p50_ns),
            span(wait.p90_ns),
            span(wait.p99_ns),
            span(wait.max_ns),
        ]);
    }
    (grid, all - waits.len())
}

fn collisions(rows: &[ModuleRow]) -> Grid {
    let mut grid = Grid::new(&["<COLLISIONS", "UNFORMED", "COMING", "GOING", "LIVE", "IN_FLIGHT"]);
    for row in rows {
        let named = row.collisions.named();
        if named.iter().any(|(_, count)| count.is_some_and(|count| count > 0)) {
            let mut cells = vec![name(row.name.as_deref())];
            cells.extend(named.iter().map(|(_, number)| count(*number)));
            grid.row(cells);
        }
    }
    grid
}

fn unloads(rows: &[ModuleRow]) -> Grid {
    let mut grid = Grid::new(&["<UNLOADS", "count", "OK", "<errors"]);
    for row in rows.iter().filter(|row| row.unloads.count > 0) {
        let calls = &row.unloads;
        grid.row(vec![
            name(row.name.as_deref()),
            calls.count.to_string(),
            calls.outcomes.get("OK").copied().unwrap_or_default().to_string(),
            outcomes_text(&calls.outcomes, calls.unfinished),
        ]);
    }
    grid
}

pub(super) fn attempts(rows: &mut dyn Iterator<Item = AttemptRow>, zero: Zero) -> Grid {
    let mut grid = Grid::new(&[
        "ATTEMPT",
        "START s",
        "TID",
        "<COMM",
        "<CALL",
        "<MODULE",
        "<RESULT",
        "TIME",
        "<ROLE",
        "<COLLISION",
        "LEADER",
        "<WAITS",
        "<ORIGIN",
    ]);
    for row in rows {
        grid.row(vec![
            row.id.to_string(),
            instant(row.start_ns, zero),
            row.tid.to_string(),
            row.comm.clone(),
            word(row.syscall),
            name(row.module.as_deref()),
            row.errno_name.clone().unwrap_or_else(|| NONE.to_owned()),
            span(row.duration_ns),
            word(row.role),
            row.collided_with.map_or(NONE, crate::model::Collision::name).to_owned(),
            row.leader_tid.map_or_else(|| NONE.to_owned(), |tid| tid.to_string()),
            wait_list(&row),
            row.origin
                .as_ref()
                .map_or_else(|| NONE.to_owned(), super::OriginRow::words),
        ]);
    }
    grid
}

fn wait_list(row: &AttemptRow) -> String {
    let waits = row
        .waits
        .iter()
        .map(|wait| format!("{} {}", wait.kind.name(), span(wait.duration_ns)));
    let notes = row.notes.iter().map(|note| format!("[{}]", note.text()));
    let all: Vec<String> = waits.chain(notes).collect();
    if all.is_empty() { NONE.to_owned() } else { all.join(" ") }
}

/// How serde spells a variant: there is one spelling.
fn word(variant: Option<impl serde::Serialize>) -> String {
    let value = variant.and_then(|variant| serde_json::to_value(variant).ok());
    value
        .as_ref()
        .and_then(|value| value.as_str())
        .unwrap_or(NONE)
        .to_owned()
}

fn name(module: Option<&str>) -> String {
    module.unwrap_or("(unknown)").to_owned()
}
