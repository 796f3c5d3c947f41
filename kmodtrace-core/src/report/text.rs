//! The report for people: plain text, ASCII, aligned.

use std::io::{self, Write};

use super::cell::{NONE, count, outcomes_text, seconds, span};
use super::requests_text::{requested, requests};
use super::{AttemptRow, ModuleRow, NOT_OBSERVED, Quality, Report};
use crate::analysis::findings::write_findings;
use crate::measures::MEASURES;
use crate::text::{Grid, printable};

/// Writes the header, then the attempts if the report has them, else a table for each side of the modules, and the findings.
pub fn write_text(report: &Report, out: &mut impl Write) -> io::Result<()> {
    write_header(report, out)?;
    match (&report.attempts, &report.unloads) {
        (None, None) => write_modules(report, out)?,
        (loads, unloads) => {
            let rows = || loads.iter().chain(unloads).flatten();
            let asked = report.requests.iter().flatten().filter_map(|row| row.start_ns);
            let origin = rows()
                .filter_map(|row| row.start_ns)
                .chain(asked)
                .min()
                .unwrap_or_default();
            for rows in [loads, unloads].into_iter().flatten().filter(|rows| !rows.is_empty()) {
                writeln!(out)?;
                attempts(rows, origin).write(out)?;
            }
            if let Some(rows) = report.requests.as_ref().filter(|rows| !rows.is_empty()) {
                writeln!(out)?;
                requests(rows, origin).write(out)?;
            }
        }
    }
    if !report.findings.is_empty() {
        writeln!(out, "\nFINDINGS")?;
        write_findings(&report.findings, out)?;
    }
    writeln!(out, "\n{NONE} none   {NOT_OBSERVED} not observed")
}

fn write_header(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let release = report.kernel.release.as_deref().unwrap_or("of unknown release");
    let arch = report.kernel.arch.as_deref().unwrap_or_default();
    writeln!(out, "{}", printable(format!("Linux {release} {arch}").trim_end()))?;
    write_quality(&report.quality, out)
}

/// The line that every report has, and one more where the recording is cut.
fn write_quality(quality: &Quality, out: &mut impl Write) -> io::Result<()> {
    let count = |count: Option<u64>| count.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
    write!(
        out,
        "lost {}, missed {}, clipped {}",
        count(quality.lost),
        count(quality.missed),
        count(quality.clipped)
    )?;
    let rare = [
        (quality.began_before, "entries not seen"),
        (quality.exit_not_seen, "exits not seen"),
        (quality.in_flight, "still in flight"),
    ];
    for (count, what) in rare.iter().filter(|(count, _)| *count > 0) {
        write!(out, ", {what} {count}")?;
    }
    match quality.unobserved.as_slice() {
        [] => writeln!(out, "; nothing unobserved")?,
        reasons => {
            writeln!(out, "; not observed:")?;
            for reason in reasons {
                writeln!(out, "  {}", printable(reason))?;
            }
        }
    }
    match &quality.truncated {
        Some(why) => writeln!(out, "the recording is cut: {}", printable(why)),
        None => Ok(()),
    }
}

fn write_modules(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let sides: [fn(&[ModuleRow]) -> Grid; 4] = [modules, waits, collisions, unloads];
    let tables = sides.map(|side| side(&report.modules));
    let requested = requested(report.requested.as_deref().unwrap_or_default());
    for table in tables.iter().chain([&requested]).filter(|table| !table.is_empty()) {
        writeln!(out)?;
        table.write(out)?;
    }
    if report.modules.is_empty() {
        writeln!(out, "\nno attempts")?;
    }
    Ok(())
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

fn waits(rows: &[ModuleRow]) -> Grid {
    let mut grid = Grid::new(&["<WAITS", "<kind", "count", "total", "p50", "p90", "p99", "max"]);
    for row in rows {
        for wait in row
            .waits
            .iter()
            .filter(|wait| wait.count.is_some_and(|count| count > 0))
        {
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
    }
    grid
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

fn attempts(rows: &[AttemptRow], origin: u64) -> Grid {
    let mut grid = Grid::new(&[
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
            seconds(row.start_ns, origin),
            row.tid.to_string(),
            printable(&row.comm).into_owned(),
            word(row.syscall),
            name(row.module.as_deref()),
            row.errno_name.clone().unwrap_or_else(|| NONE.to_owned()),
            span(row.duration_ns),
            word(row.role),
            row.collided_with.map_or(NONE, crate::model::Collision::name).to_owned(),
            row.leader_tid.map_or_else(|| NONE.to_owned(), |tid| tid.to_string()),
            wait_list(row),
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
    printable(module.unwrap_or("(unknown)")).into_owned()
}
