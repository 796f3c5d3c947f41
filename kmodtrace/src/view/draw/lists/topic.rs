//! Something that was opened: what leads on from there, and what is known of it.

use kmodtrace_core::monitor::{Lead, Picture, TopicNow};
use kmodtrace_core::text::printable;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
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

/// A row for each lead; below them the topic, and the whole of the lead under the cursor.
pub(in crate::view::draw) fn topic(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    picture: &Picture,
    now: Option<&TopicNow>,
    theme: Theme,
) {
    let Some(now) = now else {
        return nothing(
            frame,
            area,
            "this is not there any more, or too long ago to be kept",
            theme,
        );
    };
    let (list, below) = parts(state, area);
    let first = Rect {
        height: 1.min(list.height),
        ..list
    };
    frame.render_widget(
        Paragraph::new(Span::styled(printable(&now.title), theme.title())),
        first,
    );
    let list = lower(list);
    let cols = [
        Col::left("WHAT", 12),
        Col::name("NAME", 16),
        Col::left("RESULT", 9),
        Col::right("TIME", 6),
        Col::right("TID", 7),
        Col::name("COMM", 15),
        Col::left("WHY", 30).whole(),
    ];
    let (top, cursor) = in_sight(state, &rows::shown(state, picture), list);
    let cells = now.leads.iter().skip(top).map(|lead| cells(lead, theme));
    table(frame, list, &cols, cells, cursor - top, theme);
    let mut lines = now.lines.clone();
    if let Some(lead) = now.leads.get(cursor) {
        lines.extend_from_slice(&lead.lines);
    }
    detail(frame, below, state, &lines, theme);
}

fn cells(lead: &Lead, theme: Theme) -> Vec<Cell> {
    let none = || NONE.to_owned();
    let (tid, name) = lead
        .task
        .as_ref()
        .map_or_else(|| (none(), none()), |(tid, name)| (tid.to_string(), comm(name)));
    let result = if lead.failed { theme.bad() } else { Style::new() };
    vec![
        (lead.to.text(), Style::new()),
        (
            lead.name
                .as_deref()
                .map_or_else(none, |name| printable(name).into_owned()),
            theme.name(),
        ),
        (lead.result.clone().unwrap_or_else(none), result),
        (time(lead.lasted_ns), Style::new()),
        (tid, Style::new()),
        (name, Style::new()),
        (printable(&lead.why).into_owned(), Style::new()),
    ]
}
