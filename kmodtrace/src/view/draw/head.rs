//! What every view has at its top: the kernel, how far time has come, the counts, the views, and what is missing.

use kmodtrace_core::monitor::{Head, Picture};
use kmodtrace_core::report::{printable, span_text};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::Feed;
use crate::view::columns::NOT_OBSERVED;
use crate::view::layout;
use crate::view::state::State;
use crate::view::tab::Tab;
use crate::view::theme::Theme;

/// Two lines.
pub(super) fn head(frame: &mut Frame<'_>, area: Rect, picture: &Picture, feed: &Feed, theme: Theme) {
    let width = usize::from(area.width);
    let head = &picture.head;
    let kernel = head.kernel.release.as_deref().unwrap_or("of unknown release");
    let at = format!("at {}", span_text(head.elapsed.0));
    let right: Vec<&str> = [feed.doing.as_str(), at.as_str()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    let right = right.join("  ");
    // Of a path what is last says most.
    let name = feed.name.rsplit('/').next().unwrap_or_default();
    let left = format!("kmodtrace  Linux {}  {}", printable(kernel), printable(name));
    let room = width.saturating_sub(right.len() + 2);
    let left: String = left.chars().take(room).collect();
    let gap = " ".repeat(width.saturating_sub(left.len() + right.len()));
    let first = Line::from(vec![
        Span::styled(left, theme.title()),
        Span::raw(gap),
        Span::styled(right, theme.title()),
    ]);
    frame.render_widget(Paragraph::new(vec![first, counts(head, width, theme)]), area);
}

/// As many counts as there is room for, the most important first.
fn counts(head: &Head, width: usize, theme: Theme) -> Line<'static> {
    let number = |count: Option<u64>| count.map_or_else(|| NOT_OBSERVED.to_owned(), |count| count.to_string());
    let quality = &head.quality;
    let bad = |count: Option<u64>| count.is_none_or(|count| count > 0);
    let rate = if head.per_second < 9.95 {
        format!("{:.1}/s", head.per_second)
    } else {
        format!("{:.0}/s", head.per_second)
    };
    let lost = format!("lost {}  missed {}", number(quality.lost), number(quality.missed));
    let parts = [
        (format!("attempts {}", head.attempts), false),
        (rate, false),
        (
            match head.waiting {
                0 => format!("in flight {}", head.in_flight),
                waiting => format!("in flight {}, {waiting} waiting", head.in_flight),
            },
            false,
        ),
        (format!("failed {}", head.failed), head.failed > 0),
        (lost, bad(quality.lost) || bad(quality.missed)),
        (
            match quality.unobserved.len() {
                0 => String::new(),
                some => format!("not observed {some}"),
            },
            false,
        ),
        (
            match head.folded {
                0 => String::new(),
                folded => format!("kept {}, in the sums only {folded}", head.kept),
            },
            false,
        ),
    ];
    let mut spans = Vec::new();
    let mut used = 0;
    for (text, bad) in parts.into_iter().filter(|(text, _)| !text.is_empty()) {
        let gap = if spans.is_empty() { 0 } else { 2 };
        if used + gap + text.len() > width {
            continue;
        }
        used += gap + text.len();
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(if bad {
            Span::styled(text, theme.bad())
        } else {
            Span::raw(text)
        });
    }
    Line::from(spans)
}

/// The views with their numbers, as widely as there is room for.
pub(super) fn tabs(frame: &mut Frame<'_>, area: Rect, state: &State, picture: &Picture, theme: Theme) {
    let titles = |short: usize| {
        let title = |tab: &Tab| {
            let found = match (tab, picture.head.findings) {
                (Tab::Findings, found @ 1..) => format!(" {found}"),
                _ => String::new(),
            };
            (
                *tab,
                format!("{}{}{}{found}", tab.number(), [" ", ""][short], tab.titles()[short]),
            )
        };
        Tab::ALL.iter().map(title).collect::<Vec<_>>()
    };
    let long = titles(0);
    let letters: usize = long.iter().map(|(_, title)| title.len()).sum();
    let gaps = Tab::ALL.len() - 1;
    let (shown, gap) = match usize::from(area.width) {
        width if width >= letters + 2 * gaps => (long, "  "),
        width if width >= letters + gaps => (long, " "),
        _ => (titles(1), " "),
    };
    let mut spans = Vec::new();
    for (tab, title) in shown {
        if !spans.is_empty() {
            spans.push(Span::raw(gap));
        }
        let style = if tab == state.tab {
            theme.selected()
        } else {
            theme.title()
        };
        spans.push(Span::styled(title, style));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// What must not be overlooked.
pub(super) fn banner(frame: &mut Frame<'_>, area: Rect, picture: &Picture, theme: Theme) {
    if let Some(text) = layout::banner(&picture.head) {
        let width = usize::from(area.width);
        let text: String = format!(" {:<width$}", printable(&text)).chars().take(width).collect();
        frame.render_widget(Paragraph::new(Span::styled(text, theme.banner())), area);
    }
}
