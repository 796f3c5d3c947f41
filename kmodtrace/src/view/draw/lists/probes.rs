//! Every probe, and what nobody watches.

use kmodtrace_core::monitor::{Picture, ProbeLine};
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

/// Every probe, and below what nobody watches.
pub(in crate::view::draw) fn probes(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    picture: &Picture,
    all: &[ProbeLine],
    theme: Theme,
) {
    let keys = rows::shown(state, picture);
    let shown = rows::placed(&keys, all);
    let (list, below) = parts(state, area);
    if shown.is_empty() {
        nothing(frame, list, "the recording does not say which probes there were", theme);
    } else {
        let (top, cursor) = in_sight(state, &keys, list);
        let cols = [
            Col::name("PROBE", 24),
            Col::left("STATUS", 8),
            Col::left("ATTACHED TO, OR WHY NOT", 40).whole(),
        ];
        let cells = shown.iter().skip(top).map(|probe| {
            let style = match probe.status.as_str() {
                "chosen" => Style::new(),
                "refused" => theme.bad(),
                _ => theme.dim(),
            };
            vec![
                (printable(&probe.id).into_owned(), theme.name()),
                (probe.status.clone(), style),
                (what(probe), Style::new()),
            ]
        });
        table(frame, list, &cols, cells, cursor - top, theme);
    }
    let quality = &picture.head.quality;
    let count = |count: Option<u64>| count.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
    let cursor = state.cursor(&keys);
    let chosen = shown.get(cursor).map(|probe| whole(probe));
    let mut lines: Vec<String> = chosen.into_iter().collect();
    lines.push(format!(
        "lost {}, missed {}, clipped {}; entries not seen {}, exits not seen {}; not observed:{}",
        count(quality.lost),
        count(quality.missed),
        count(quality.clipped),
        quality.began_before,
        quality.exit_not_seen,
        if quality.unobserved.is_empty() { " nothing" } else { "" },
    ));
    lines.extend(quality.unobserved.iter().map(|why| format!("  {why}")));
    detail(frame, below, state, &lines, theme);
}

/// What it is attached to, or why not.
fn what(probe: &ProbeLine) -> String {
    let texts = [probe.attached.as_str(), probe.why.as_str()].map(printable);
    let texts: Vec<&str> = texts
        .iter()
        .map(|text| &**text)
        .filter(|text| !text.is_empty())
        .collect();
    texts.join("; ")
}

/// The row under the cursor, uncut.
fn whole(probe: &ProbeLine) -> String {
    format!("{}, {}: {}", probe.id, probe.status, what(probe))
}
