//! What is shown, and what keys do to it: the records taken so far, the choices, and the picture of both. Knows neither clock nor
//! terminal.

use kmodtrace_core::monitor::{Focus, Monitor, Picture};
use ratatui::crossterm::event::{KeyEvent, MouseEvent};

use super::state::State;
use super::transitions::Effect;

/// A monitor, the user's choices, and what they show of it.
pub(super) struct Scene {
    pub(super) monitor: Monitor,
    pub(super) state: State,
    pub(super) picture: Picture,
    /// What the picture was made for.
    focus: Focus,
}

impl Scene {
    pub(super) fn new(monitor: Monitor, state: State) -> Self {
        let focus = Focus::default();
        Self {
            picture: monitor.picture(&focus),
            monitor,
            state,
            focus,
        }
    }

    /// Makes the picture for what the user has chosen. What it holds may settle what had not been chosen yet, such as the first
    /// row, and then another one shows more.
    pub(super) fn look(&mut self) {
        self.take_picture();
        self.state.choose_first(&self.picture);
        if self.is_outdated() {
            self.take_picture();
        }
    }

    /// A key was pressed. Nothing may have been drawn since the one before: this one is for what that one brought.
    pub(super) fn key(&mut self, key: KeyEvent) -> Option<Effect> {
        self.catch_up();
        self.state.key(key, &self.picture)
    }

    /// The mouse did something.
    pub(super) fn mouse(&mut self, event: MouseEvent) -> Option<Effect> {
        self.catch_up();
        self.state.mouse(event, &self.picture)
    }

    fn catch_up(&mut self) {
        if self.is_outdated() {
            self.look();
        }
    }

    fn is_outdated(&self) -> bool {
        self.state.focus(&self.picture.head) != self.focus
    }

    fn take_picture(&mut self) {
        self.focus = self.state.focus(&self.picture.head);
        self.picture = self.monitor.picture(&self.focus);
    }
}
