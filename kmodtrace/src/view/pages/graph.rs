//! Waiters below the one that they wait for, and what waits came to so far.

use kmodtrace_core::analysis::graph::TreeRow;
use kmodtrace_core::monitor::GraphNow;
use kmodtrace_core::text::{printable, span_text};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{comm, wrapped};
use crate::view::state::State;
use crate::view::theme::Theme;

/// All of it, to scroll in.
pub(super) fn lines(graph: &GraphNow, state: &State, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for cycle in &graph.tree.deadlocks {
        let text = format!("{} DEADLOCK: {}", theme.signs().cycle, printable(&cycle.text()));
        lines.extend(
            wrapped(&text, width, 2)
                .into_iter()
                .map(|line| Line::from(Span::styled(line, theme.bad()))),
        );
    }
    lines.push(Line::from(Span::styled(
        "NOW, waiters below the one they wait for",
        theme.title(),
    )));
    let rows = graph.tree.rows.iter().filter(|row| state.lets_through(&row.name));
    lines.extend(rows.map(|row| tree(row, state, theme)));
    if graph.tree.rows.is_empty() {
        lines.push(Line::from(Span::styled("  nobody waits", theme.dim())));
    }
    if graph.tree.more > 0 {
        lines.push(Line::from(format!("  and {} more", graph.tree.more)));
    }
    if graph.tree.alone > 0 {
        let text = format!("  {} in flight that wait for nobody", graph.tree.alone);
        lines.push(Line::from(Span::styled(text, theme.dim())));
    }
    lines.push(Line::default());
    lines.push(Line::from(Span::styled(
        "SO FAR, as kmodtrace graph tells it",
        theme.title(),
    )));
    for line in &graph.so_far {
        let indent = line.len() - line.trim_start().len();
        // Its columns are made of blanks, which wrapping would keep as well.
        let style = if line.starts_with("DEADLOCK") {
            theme.bad()
        } else {
            Style::new()
        };
        if line.len() <= width {
            lines.push(Line::from(Span::styled(line.clone(), style)));
        } else {
            let cut = wrapped(line.trim_start(), width.saturating_sub(indent), 2);
            lines.extend(
                cut.into_iter()
                    .map(|part| Line::from(Span::styled(format!("{}{part}", " ".repeat(indent)), style))),
            );
        }
    }
    lines
}

fn tree(row: &TreeRow, state: &State, theme: Theme) -> Line<'static> {
    let signs = theme.signs();
    let mut spans = Vec::new();
    if let Some((own, above)) = row.more.split_last() {
        let above: String = above
            .iter()
            .map(|more| signs.branch[if *more { 2 } else { 3 }])
            .collect();
        spans.push(Span::raw(format!("{above}{}", signs.branch[usize::from(!own)])));
    }
    if row.in_cycle {
        spans.push(Span::styled(format!("{} ", signs.cycle), theme.bad()));
    }
    let name = printable(&row.name).into_owned();
    let name = if row.request.is_some() {
        format!("request {name}")
    } else {
        name
    };
    spans.push(Span::styled(name, theme.name()));
    if let Some((tid, name)) = &row.task {
        spans.push(Span::raw(format!(" {tid} ({})", comm(name))));
    }
    if let Some(stage) = row.stage {
        spans.push(Span::styled(format!(" {}", stage.name()), theme.dim()));
    }
    if let Some((kind, long)) = row.waits {
        let stuck = long >= state.stuck_after.0;
        let (mark, style) = if stuck { ("!", theme.bad()) } else { ("", Style::new()) };
        spans.push(Span::styled(
            format!(" {mark}waits {} ({})", span_text(long), kind.name()),
            style,
        ));
    }
    if row.again {
        spans.push(Span::styled(" (above)", theme.dim()));
    }
    Line::from(spans)
}
