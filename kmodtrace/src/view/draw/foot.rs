//! The last line: the filter while it is typed, what the last action came to, or the keys of this view.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::view::keys::{Action, BINDINGS};
use crate::view::state::State;
use crate::view::tab::Tab;
use crate::view::theme::Theme;

/// One line.
pub(super) fn foot(frame: &mut Frame<'_>, area: Rect, state: &State, theme: Theme) {
    let line = if state.editing {
        Line::from(vec![
            Span::styled("filter: ", theme.title()),
            Span::raw(format!("{}_", state.filter)),
            Span::styled("   Enter keeps it, Esc clears it", theme.dim()),
        ])
    } else if let Some(message) = &state.message {
        Line::from(Span::styled(message.clone(), theme.title()))
    } else {
        hints(state, usize::from(area.width), theme)
    };
    frame.render_widget(Paragraph::new(line), area);
}

fn hints(state: &State, width: usize, theme: Theme) -> Line<'static> {
    let own: &[(Action, &str)] = match state.tab {
        _ if state.topic.is_some() => &[(Action::Open, "open"), (Action::Back, "back")],
        Tab::Modules => &[
            (Action::Open, "module"),
            (Action::SortNext, "sort"),
            (Action::Reverse, "reverse"),
            (Action::Pin, "pin"),
        ],
        Tab::TimeLine => &[
            (Action::ZoomIn, "in"),
            (Action::ZoomOut, "out"),
            (Action::Lanes, "lanes"),
            (Action::Open, "open"),
            (Action::Left, "earlier"),
            (Action::Right, "later"),
        ],
        Tab::Now => &[(Action::Open, "attempt")],
        Tab::Requests => &[(Action::Open, "request")],
        Tab::Module => &[(Action::Open, "loads")],
        Tab::Findings => &[(Action::Open, "evidence")],
        Tab::Graph | Tab::Probes => &[],
    };
    let all = [
        (Action::Help, "help"),
        (Action::Quit, "quit"),
        (Action::Filter, "filter"),
    ];
    let more = [(Action::Play, "pause"), (Action::Export, "export")];
    let mut spans = Vec::new();
    let mut used = 0;
    if !state.filter.is_empty() {
        let text = format!("filter: {}  ", state.filter);
        used = text.len();
        spans.push(Span::styled(text, theme.bad()));
    }
    for (action, what) in all.iter().chain(own).chain(&more) {
        let Some(binding) = BINDINGS.iter().find(|binding| binding.action == *action) else {
            continue;
        };
        let keys = binding.keys_text();
        let key = keys.split(", ").next().unwrap_or_default().to_owned();
        let long = key.len() + what.len() + 3;
        if used + long > width {
            break;
        }
        used += long;
        spans.push(Span::styled(key, theme.title()));
        spans.push(Span::styled(format!(" {what}  "), theme.dim()));
    }
    Line::from(spans)
}
