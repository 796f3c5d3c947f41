//! A row for each module.

use kmodtrace_core::monitor::ModuleNow;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::in_sight;
use crate::view::columns::{COLUMNS, Column};
use crate::view::draw::nothing;
use crate::view::draw::table::{Cell, Col, table};
use crate::view::row::{Name, Row};
use crate::view::rows;
use crate::view::state::State;
use crate::view::theme::Theme;

/// A row for each module.
pub(in crate::view::draw) fn modules(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    all: &[ModuleNow],
    theme: Theme,
) {
    let shown = rows::modules(state, all);
    if shown.is_empty() {
        let text = if all.is_empty() {
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
    let (top, cursor) = in_sight(state, &keys, area);
    let cells = shown.iter().skip(top).map(|module| {
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
    });
    table(frame, area, &cols, cells, (top, cursor), theme);
}
