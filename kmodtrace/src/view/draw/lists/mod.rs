//! The views that are lists, a file for each, and what they have in common.

mod findings;
mod modules;
mod now;
mod probes;
mod requests;
mod topic;

use kmodtrace_core::text::{printable, span_text};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

pub(super) use findings::findings;
pub(super) use modules::modules;
pub(super) use now::now;
pub(super) use probes::probes;
pub(super) use requests::requests;
pub(super) use topic::topic;

use crate::view::columns::NONE;
use crate::view::layout::top_for;
use crate::view::pages::wrapped;
use crate::view::row::Row;
use crate::view::state::State;
use crate::view::theme::Theme;

/// The first row of a table to show here, below its titles, and the one that the cursor is on.
fn in_sight(state: &State, rows: &[Row], table: Rect) -> (usize, usize) {
    let cursor = state.cursor(rows);
    let height = usize::from(table.height.saturating_sub(1));
    (top_for(state.place().top, cursor, height, rows.len()), cursor)
}

fn lower(area: Rect) -> Rect {
    Rect {
        y: area.y + 1.min(area.height),
        height: area.height.saturating_sub(1),
        ..area
    }
}

/// Sentences below a rule, from the line on that the state says.
fn detail(frame: &mut Frame<'_>, area: Rect, state: &State, lines: &[String], theme: Theme) {
    if area.height == 0 {
        return;
    }
    let width = usize::from(area.width);
    let lines: Vec<String> = lines
        .iter()
        .flat_map(|line| wrapped(&printable(line), width, 2))
        .collect();
    let room = usize::from(area.height.saturating_sub(1));
    let top = state.detail.min(lines.len().saturating_sub(room));
    let below = lines.len().saturating_sub(top + room);
    let note = match (top, below) {
        (0, 0) => String::new(),
        _ => format!(" J, K: {below} lines more below "),
    };
    let rule = if theme.utf8 { "─" } else { "-" };
    let rule = format!("{note}{}", rule.repeat(width.saturating_sub(note.len())));
    let mut shown = vec![Line::from(Span::styled(rule, theme.dim()))];
    shown.extend(lines.into_iter().skip(top).take(room).map(Line::from));
    frame.render_widget(Paragraph::new(shown), area);
}

fn time(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| NONE.to_owned(), span_text)
}
