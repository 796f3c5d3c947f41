//! Requests of the kernel, and its slots.

use kmodtrace_core::monitor::{Picture, RequestNow, RequestsNow};
use kmodtrace_core::text::printable;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{detail, in_sight, lower, time};
use crate::view::columns::NONE;
use crate::view::draw::nothing;
use crate::view::draw::table::{Cell, Col, table};
use crate::view::layout::parts;
use crate::view::pages::comm;
use crate::view::rows;
use crate::view::state::State;
use crate::view::theme::Theme;

/// Slots, requests in flight and answered, and the chain of the one under the cursor.
pub(in crate::view::draw) fn requests(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    picture: &Picture,
    all: Option<&RequestsNow>,
    theme: Theme,
) {
    let Some(all) = all else {
        return nothing(
            frame,
            area,
            "not observed: nobody watches requests on this kernel",
            theme,
        );
    };
    let shown = rows::requests(state, &all.rows);
    let (list, below) = parts(state, area);
    let (slots, chain) = (
        Rect {
            height: 1.min(below.height),
            ..below
        },
        lower(below),
    );
    if shown.is_empty() {
        nothing(frame, list, "the kernel requested no module", theme);
    } else {
        let keys = rows::shown(state, picture);
        let (top, cursor) = in_sight(state, &keys, list);
        let cols = [
            Col::name("REQUEST", 16),
            Col::right("TIME", 6),
            Col::left("RESULT", 13).whole(),
            Col::right("SLOT", 6),
            Col::right("LOADS", 5),
            Col::right("TID", 7),
            Col::left("COMM", 15),
            Col::right("MODPROBE", 8),
            Col::left("BY", 24),
        ];
        let cells = shown.iter().skip(top).map(|row| request(row, state, theme));
        table(frame, list, &cols, cells, cursor - top, theme);
    }
    gauge(frame, slots, all, theme);
    detail(frame, chain, state, &all.chain, theme);
}

fn request(row: &RequestNow, state: &State, theme: Theme) -> Vec<Cell> {
    let stuck = row.stage.is_some() && row.lasted_ns.is_some_and(|long| long >= state.stuck_after.0);
    let result = match (&row.outcome, row.stage) {
        (_, Some(about)) if stuck => (format!("!{}", about.name()), theme.bad()),
        (_, Some(about)) => (about.name().to_owned(), theme.title()),
        (Some(outcome), None) if row.failed => (outcome.clone(), theme.bad()),
        (Some(outcome), None) => (outcome.clone(), Style::new()),
        (None, None) => ("not seen".to_owned(), theme.dim()),
    };
    vec![
        (printable(&row.name).into_owned(), theme.name()),
        (time(row.lasted_ns), Style::new()),
        result,
        (time(row.slot_ns), Style::new()),
        (row.attempts.to_string(), Style::new()),
        (row.tid.to_string(), Style::new()),
        (comm(&row.comm), Style::new()),
        (
            row.helper.map_or_else(|| NONE.to_owned(), |tgid| tgid.to_string()),
            Style::new(),
        ),
        (printable(row.by.as_deref().unwrap_or(NONE)).into_owned(), Style::new()),
    ]
}

/// How many of the slots are held.
fn gauge(frame: &mut Frame<'_>, area: Rect, all: &RequestsNow, theme: Theme) {
    if area.height == 0 {
        return;
    }
    let Some(used) = all.slots_used else {
        return nothing(frame, area, "slots: not observed", theme);
    };
    let style = if used >= all.slots { theme.bad() } else { Style::new() };
    let bar: String = (0..all.slots)
        .map(|slot| if slot < used { theme.signs().bar } else { '.' })
        .collect();
    let line = Line::from(vec![
        Span::styled(format!("slots used {used} of {} ", all.slots), style),
        Span::styled(bar, style),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}
