//! Findings, and the evidence of one of them.

use kmodtrace_core::analysis::findings::Finding;
use kmodtrace_core::monitor::{EvidenceNow, Picture};
use kmodtrace_core::text::printable;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{detail, in_sight, parts};
use crate::view::draw::nothing;
use crate::view::draw::table::{Col, Table};
use crate::view::rows;
use crate::view::state::State;
use crate::view::theme::Theme;

/// Findings, and the whole of the one under the cursor.
pub(in crate::view::draw) fn findings(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    picture: &Picture,
    all: &[Finding],
    theme: Theme,
) {
    let keys = rows::shown(state, picture);
    let shown = rows::placed(&keys, all);
    if shown.is_empty() {
        return nothing(frame, area, "nothing was found that needs a look", theme);
    }
    let (list, below) = parts(area, state);
    let (top, cursor) = in_sight(state, &keys, list);
    let table = Table::new(
        vec![Col::left("FINDING", 18), Col::left("MODULE", 16), Col::left("WHAT", 40)],
        area.width,
    );
    let cells = shown.iter().skip(top).map(|finding| {
        vec![
            (finding.id.name().to_owned(), theme.bad()),
            (
                printable(finding.module.as_deref().unwrap_or("(all)")).into_owned(),
                theme.name(),
            ),
            (printable(&finding.sentence).into_owned(), Style::new()),
        ]
    });
    table.draw(frame, list, cells, (top, cursor), theme);
    if let Some(finding) = shown.get(cursor) {
        let text = [printable(&finding.sentence).into_owned(), finding.advice.to_owned()];
        detail(frame, below, state, &text, theme);
    }
}

/// The attempts and requests that a finding rests on, and the whole of the one under the cursor.
pub(in crate::view::draw) fn evidence(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    picture: &Picture,
    all: Option<&EvidenceNow>,
    theme: Theme,
) {
    let Some(all) = all else {
        return nothing(frame, area, "this finding is not there any more", theme);
    };
    let (list, below) = parts(area, state);
    let (top, cursor) = in_sight(state, &rows::shown(state, picture), list);
    let title = format!("EVIDENCE of {}", printable(&all.finding.text()));
    let table = Table::new(vec![Col::left(&title, 40)], area.width);
    let cells = all.shown.iter().skip(top).map(|shown| {
        let first = shown.lines.first().map_or("", String::as_str);
        vec![(first.to_owned(), Style::new())]
    });
    table.draw(frame, list, cells, (top, cursor), theme);
    if let Some(shown) = all.shown.get(cursor) {
        detail(frame, below, state, &shown.lines, theme);
    }
}
