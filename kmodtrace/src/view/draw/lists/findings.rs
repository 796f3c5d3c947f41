//! Findings.

use kmodtrace_core::analysis::findings::Finding;
use kmodtrace_core::monitor::Picture;
use kmodtrace_core::text::printable;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{detail, in_sight};
use crate::view::draw::nothing;
use crate::view::draw::table::{Col, table};
use crate::view::layout::parts;
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
    let (list, below) = parts(state, area);
    let (top, cursor) = in_sight(state, &keys, list);
    let cols = [
        Col::left("FINDING", 18),
        Col::name("MODULE", 16),
        Col::left("WHAT", 40).whole(),
    ];
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
    table(frame, list, &cols, cells, cursor - top, theme);
    if let Some(finding) = shown.get(cursor) {
        let text = [finding.sentence.clone(), finding.advice.to_owned()];
        detail(frame, below, state, &text, theme);
    }
}
