//! The mouse, for those who asked for it: the wheel moves the cursor, a click puts it, a second one opens.

use kmodtrace_core::monitor::Picture;
use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::keys::Action;
use super::layout::{areas, list_height, parts, tabs, titles};
use super::rows;
use super::state::State;

/// What a key would have done.
pub(super) enum Pointed {
    Does(Action),
    /// Puts the cursor on this row, counted from the first one in sight.
    Row(usize),
}

/// What the mouse did, as what keys do.
pub(super) fn pointed(state: &State, event: MouseEvent, picture: &Picture) -> Option<Pointed> {
    let areas = areas(state.area, &picture.head);
    let at = Position::new(event.column, event.row);
    match event.kind {
        MouseEventKind::ScrollUp => Some(Pointed::Does(Action::Up)),
        MouseEventKind::ScrollDown => Some(Pointed::Does(Action::Down)),
        MouseEventKind::Down(MouseButton::Left) if areas.tabs.contains(at) => {
            let titles = tabs(areas.tabs, &picture.head);
            let (tab, ..) = titles.into_iter().find(|(_, _, place)| place.contains(at))?;
            Some(Pointed::Does(Action::Show(tab)))
        }
        // Below the titles.
        MouseEventKind::Down(MouseButton::Left) if parts(state, areas.body).0.contains(at) && !rows::is_text(state) => {
            let row = usize::from(at.y.checked_sub(areas.body.y + titles(state, &picture.head))?);
            (row < list_height(state, &picture.head)).then_some(Pointed::Row(row))
        }
        _ => None,
    }
}
