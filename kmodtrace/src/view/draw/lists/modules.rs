//! All modules together, a row for each, and where there is room the one under the cursor in detail.

use std::iter;

use kmodtrace_core::monitor::{ModuleNow, ModulesNow};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{in_sight, lower};
use crate::view::columns::{COLUMNS, Column};
use crate::view::draw::table::{Cell, Col, table};
use crate::view::draw::{nothing, scrolled};
use crate::view::layout::parts;
use crate::view::pages;
use crate::view::row::{Name, Row};
use crate::view::rows;
use crate::view::state::State;
use crate::view::theme::Theme;

/// A row for all and for each.
pub(in crate::view::draw) fn modules(frame: &mut Frame<'_>, area: Rect, state: &State, all: &ModulesNow, theme: Theme) {
    let shown = rows::modules(state, &all.rows);
    if shown.is_empty() {
        let text = if all.rows.is_empty() {
            "nothing was loaded or unloaded yet"
        } else {
            "no module matches the filter"
        };
        return nothing(frame, area, text, theme);
    }
    let signs = theme.signs();
    let cols: Vec<Col> = COLUMNS
        .iter()
        .enumerate()
        .map(|(at, column)| Col {
            title: if at == state.sort {
                format!("{}{}", column.title, signs.sorted[usize::from(state.reverse)])
            } else {
                column.title.to_owned()
            },
            // Room for the sign of sorting, so that nothing moves.
            width: column
                .width
                .max(u16::try_from(column.title.len() + 1).unwrap_or_default()),
            left: column.left,
            shrinks: column.title == "MODULE",
            whole: column.title == "ERRORS",
        })
        .collect();
    let keys: Vec<Row> = shown
        .iter()
        .map(|module| Row::Module(Name(module.row.name.clone())))
        .collect();
    let (list, beside) = parts(state, area);
    let (top, cursor) = in_sight(state, &keys, lower(list));
    let cells = |module: &ModuleNow| -> Vec<Cell> {
        let pinned = state.is_pinned(module);
        let cell = |(at, column): (usize, &Column)| -> Cell {
            let text = column.text(module, signs);
            match column.title {
                "MODULE" if pinned => (format!("*{text}"), theme.name()),
                "MODULE" => (text, theme.name()),
                "ERRORS" if module.row.failed() > 0 => (text, theme.bad()),
                "WAITING" if module.waiting > 0 => (text, theme.bad()),
                _ if at == state.sort => (text, theme.title()),
                _ => (text, Style::new()),
            }
        };
        COLUMNS.iter().enumerate().map(cell).collect()
    };
    let rows = iter::once(&all.total).chain(shown.iter().copied().skip(top));
    table(frame, list, &cols, rows.map(cells), 1 + cursor - top, theme);
    if let Some(detail) = &all.detail {
        let lines = pages::module(Some(detail), usize::from(beside.width), theme);
        scrolled(frame, beside, state.detail, lines);
    }
}
