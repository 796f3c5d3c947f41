//! Views that are text to scroll in, and the words that all views are made with.

mod graph;
mod module;

pub(super) use module::lines as module;

use kmodtrace_core::monitor::{Body, Picture};
use kmodtrace_core::text::printable;
use ratatui::text::Line;

use super::columns::{NONE, UNKNOWN};
use super::state::State;
use super::theme::{Colours, Theme};

/// How many lines the text has; 0 for a view that is none.
pub(super) fn length(state: &State, picture: &Picture) -> usize {
    let plain = Theme {
        colours: Colours::None,
        utf8: false,
    };
    lines(state, picture, plain).len()
}

/// The text, from its first line on.
pub(super) fn lines(state: &State, picture: &Picture, theme: Theme) -> Vec<Line<'static>> {
    let width = usize::from(state.area.width);
    match &picture.body {
        Body::Module(detail) => module::lines(detail.as_deref(), width, theme),
        Body::Graph(graph) => graph::lines(graph, state, width, theme),
        _ => Vec::new(),
    }
}

/// A sentence cut into lines at blanks: the first set in as it is, the others by so much.
pub(super) fn wrapped(text: &str, width: usize, indent: usize) -> Vec<String> {
    let width = width.max(indent + 10);
    let mut lines = Vec::new();
    let words = text.trim_start();
    let mut line = " ".repeat(text.len() - words.len());
    for word in words.split(' ') {
        if !line.trim().is_empty() && line.len() + 1 + word.len() > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
        } else if !line.trim().is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// A module by its name.
pub(super) fn module_name(name: Option<&str>) -> String {
    printable(name.unwrap_or(UNKNOWN)).into_owned()
}

/// A task by its name.
pub(super) fn comm(comm: &str) -> String {
    printable(if comm.is_empty() { NONE } else { comm }).into_owned()
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn sentences_are_cut_at_blanks() {
        assert_eq!(wrapped("one two three four", 12, 2), ["one two", "  three four"]);
        assert_eq!(wrapped("  one two three four", 12, 4), ["  one two", "    three four"]);
        assert_eq!(wrapped("", 12, 2), [""]);
        assert_eq!(wrapped("0123456789abcdefgh", 12, 2), ["0123456789abcdefgh"]);
    }
}
