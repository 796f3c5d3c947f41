//! From choices and a picture to a frame. Draws what it is given, and asks for nothing.

mod foot;
mod head;
mod help;
mod lanes;
mod lists;
mod table;

use kmodtrace_core::monitor::{Body, Picture};
use kmodtrace_core::text::acts;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::layout::{Areas, areas};
use super::pages;
use super::state::State;
use super::theme::Theme;

/// Where the picture comes from, for the head and the foot.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Feed {
    /// `live`, or the name of the recording.
    pub(crate) name: String,
    /// `paused`, `x2`, `reading 12 %`, `followed`; empty when there is nothing to say.
    pub(crate) doing: String,
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, picture: &Picture, feed: &Feed, theme: Theme) {
    let Areas {
        head,
        tabs,
        banner,
        body,
        foot,
    } = areas(frame.area(), &picture.head);
    head::head(frame, head, picture, feed, theme);
    head::tabs(frame, tabs, state, picture, theme);
    head::banner(frame, banner, picture, theme);
    match &picture.body {
        Body::Modules(all) => lists::modules(frame, body, state, all, theme),
        Body::Now(all) => lists::now(frame, body, state, picture, all, theme),
        Body::Requests(all) => lists::requests(frame, body, state, picture, all.as_ref(), theme),
        Body::Findings(all) => lists::findings(frame, body, state, picture, all, theme),
        Body::Topic(all) => lists::topic(frame, body, state, picture, all.as_ref(), theme),
        Body::Probes(all) => lists::probes(frame, body, state, picture, all, theme),
        Body::Lanes(all) => lanes::lanes(frame, body, state, picture, all, theme),
        Body::Module(_) | Body::Graph(_) => {
            scrolled(frame, body, state.place().top, pages::lines(state, picture, theme));
        }
    }
    foot::foot(frame, foot, state, theme);
    if let Some(top) = state.help {
        help::help(frame, top, theme);
    }
    // Whatever a name holds that was drawn as it is.
    for cell in &mut frame.buffer_mut().content {
        if cell.symbol().contains(acts) {
            cell.set_char('?');
        }
    }
}

/// Text from its first line in sight on.
fn scrolled(frame: &mut Frame<'_>, area: Rect, top: usize, lines: Vec<Line<'static>>) {
    let height = usize::from(area.height);
    let top = top.min(lines.len().saturating_sub(height));
    let more = lines.len().saturating_sub(top + height);
    let shown: Vec<Line<'_>> = lines.into_iter().skip(top).take(height).collect();
    frame.render_widget(Paragraph::new(Text::from(shown)), area);
    if more > 0 && area.width > 20 {
        let note = format!(" {more} more below ");
        let width = u16::try_from(note.len()).unwrap_or_default();
        let at = Rect::new(
            area.right().saturating_sub(width),
            area.bottom().saturating_sub(1),
            width,
            1,
        );
        frame.render_widget(Paragraph::new(note).style(ratatui::style::Modifier::REVERSED), at);
    }
}

/// Says that there is nothing, and why.
fn nothing(frame: &mut Frame<'_>, area: Rect, text: &str, theme: Theme) {
    frame.render_widget(Paragraph::new(Span::styled(text.to_owned(), theme.dim())), area);
}
