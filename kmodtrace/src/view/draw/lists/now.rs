//! Attempts in flight.

use kmodtrace_core::monitor::{NowRow, OwnerNow, Picture};
use kmodtrace_core::text::{printable, span_text};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{detail, in_sight, time};
use crate::view::columns::{NONE, NOT_OBSERVED};
use crate::view::draw::nothing;
use crate::view::draw::table::{Col, table};
use crate::view::layout::parts;
use crate::view::pages::{comm, module_name};
use crate::view::rows;
use crate::view::state::State;
use crate::view::theme::Theme;

/// Attempts in flight, and what the one under the cursor is about.
pub(in crate::view::draw) fn now(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    picture: &Picture,
    all: &[NowRow],
    theme: Theme,
) {
    let shown = rows::now(state, all);
    if shown.is_empty() {
        let text = if all.is_empty() {
            "nothing is being loaded or unloaded"
        } else {
            "nothing matches the filter"
        };
        return nothing(frame, area, text, theme);
    }
    let (list, below) = parts(state, area);
    let cols = [
        Col::name("MODULE", 16),
        Col::right("FOR", 6),
        Col::left("STAGE", 15),
        Col::left("WAITS", 18),
        Col::left("FOR", 34).whole(),
        Col::right("TID", 7),
        Col::left("COMM", 15),
    ];
    let keys = rows::shown(state, picture);
    let (top, cursor) = in_sight(state, &keys, list);
    let cells = shown.iter().skip(top).map(|row| {
        let stuck = row
            .wait
            .as_ref()
            .is_some_and(|wait| wait.lasted_ns >= state.stuck_after.0);
        let style = if stuck { theme.bad() } else { Style::new() };
        // The mark says without colour what the colour says.
        let mark = if stuck { "!" } else { "" };
        let wait = row.wait.as_ref();
        vec![
            (module_name(row.module.as_deref()), theme.name()),
            (time(row.lasted_ns), style),
            (
                row.stage.map_or(NOT_OBSERVED, |stage| stage.name()).to_owned(),
                Style::new(),
            ),
            (
                wait.map_or_else(
                    || NONE.to_owned(),
                    |wait| format!("{mark}{} {}", wait.kind.name(), span_text(wait.lasted_ns)),
                ),
                style,
            ),
            (
                wait.map_or_else(String::new, |wait| whom(wait.module.as_deref(), wait.on.as_ref())),
                Style::new(),
            ),
            (row.tid.to_string(), Style::new()),
            (comm(&row.comm), Style::new()),
        ]
    });
    table(frame, list, &cols, cells, cursor - top, theme);
    if let Some(row) = shown.get(cursor) {
        let what = if row.unloads { "unloads" } else { "loads" };
        let place = row
            .place
            .as_deref()
            .map_or_else(String::new, |place| format!(", {place}"));
        let wait = row.wait.as_ref().map_or_else(String::new, |wait| {
            format!(
                "; waits {} ({}) for {}",
                span_text(wait.lasted_ns),
                wait.kind.name(),
                whom(wait.module.as_deref(), wait.on.as_ref())
            )
        });
        let text = format!(
            "attempt {}: tid {} ({}) {what} {}{place}{wait}",
            row.id,
            row.tid,
            comm(&row.comm),
            module_name(row.module.as_deref()),
        );
        detail(frame, below, state, &[text], theme);
    }
}

/// `xfs by 212 modprobe, init`
fn whom(module: Option<&str>, on: Option<&OwnerNow>) -> String {
    let mut text = module.map_or_else(String::new, |name| printable(name).into_owned());
    if let Some(on) = on {
        let gap = if text.is_empty() { "" } else { " by " };
        let stage = on
            .stage
            .map_or_else(|| ", returned".to_owned(), |stage| format!(", {}", stage.name()));
        text = format!("{text}{gap}{} {}{stage}", on.tid, comm(&on.comm));
    }
    if text.is_empty() {
        "nobody known".to_owned()
    } else {
        text
    }
}
