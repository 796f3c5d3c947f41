//! What every view has at its top: the kernel, how far time has come, the counts, the views, and what is missing.

use kmodtrace_core::model::Zero;
use kmodtrace_core::monitor::{Head, Picture};
use kmodtrace_core::text::printable;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::Feed;
use crate::view::columns::NOT_OBSERVED;
use crate::view::layout;
use crate::view::state::State;
use crate::view::theme::Theme;

/// Two lines.
pub(super) fn head(frame: &mut Frame<'_>, area: Rect, picture: &Picture, feed: &Feed, theme: Theme) {
    let width = usize::from(area.width);
    let head = &picture.head;
    let kernel = head.kernel.release.as_deref().unwrap_or("of unknown release");
    let at = format!("at {}", Zero::Boot.number(head.at));
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

/// The counts that are always told, in short words where there is no room for longer ones, and then what else there is room
/// for.
fn counts(head: &Head, width: usize, theme: Theme) -> Line<'static> {
    let always = |short: usize| {
        let number = |count: Option<u64>| count.map_or_else(|| NOT_OBSERVED.to_owned(), |count| count.to_string());
        let bad = |count: Option<u64>| count.is_none_or(|count| count > 0);
        let decimals = usize::from(head.per_second < 9.95);
        let waiting = match head.waiting {
            0 => String::new(),
            waiting => [format!(", {waiting} waiting"), format!("/{waiting}w")][short].clone(),
        };
        let quality = &head.quality;
        [
            (format!("{} {}", ["attempts", "att"][short], head.attempts), false),
            (format!("{:.decimals$}/s", head.per_second), false),
            (
                format!("{} {}{waiting}", ["in flight", "fly"][short], head.in_flight),
                false,
            ),
            (
                format!("{} {}", ["failed", "fail"][short], head.failed),
                head.failed > 0,
            ),
            (format!("lost {}", number(quality.lost)), bad(quality.lost)),
            (
                format!("{} {}", ["missed", "miss"][short], number(quality.missed)),
                bad(quality.missed),
            ),
        ]
    };
    let long = |parts: &[(String, bool)]| parts.iter().map(|(text, _)| text.len() + 2).sum::<usize>();
    let told = always(0);
    let told = if long(&told) <= width + 2 { told } else { always(1) };
    let mut used = long(&told);
    let mut parts = Vec::from(told);
    let unobserved = head.quality.unobserved.len();
    for (text, is) in [
        (format!("not observed {unobserved}"), unobserved > 0),
        (
            format!("kept {}, in the sums only {}", head.kept, head.folded),
            head.folded > 0,
        ),
    ] {
        if is && used + text.len() <= width {
            used += text.len() + 2;
            parts.push((text, false));
        }
    }
    let span = |(text, bad): (String, bool)| {
        let style = if bad { theme.bad() } else { Style::new() };
        [Span::styled(text, style), Span::raw("  ")]
    };
    Line::from(parts.into_iter().flat_map(span).collect::<Vec<_>>())
}

/// The views with their numbers.
pub(super) fn tabs(frame: &mut Frame<'_>, area: Rect, state: &State, picture: &Picture, theme: Theme) {
    for (tab, title, place) in layout::tabs(area, &picture.head) {
        let style = if tab == state.tab {
            theme.selected()
        } else {
            theme.title()
        };
        frame.render_widget(Paragraph::new(Span::styled(title, style)), place);
    }
}

/// What must not be overlooked.
pub(super) fn banner(frame: &mut Frame<'_>, area: Rect, picture: &Picture, theme: Theme) {
    if let Some(text) = layout::banner(&picture.head) {
        let width = usize::from(area.width);
        let text: String = format!(" {:<width$}", printable(&text)).chars().take(width).collect();
        frame.render_widget(Paragraph::new(Span::styled(text, theme.banner())), area);
    }
}
