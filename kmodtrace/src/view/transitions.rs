//! How actions change what is seen, and nothing else does: no clock, no terminal, no tracer.

use kmodtrace_core::monitor::{Body, Focus, Head, LaneOf, Picture, Topic, Window};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};

use super::columns::COLUMNS;
use super::keys::{Action, action};
use super::layout::{is_wide, list_height, top_for};
use super::mouse::{Pointed, pointed};
use super::row::{Name, Row};
use super::rows;
use super::state::{Place, State};
use super::tab::Tab;

/// What is to be done that is not in the state's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Quit,
    Suspend,
    Redraw,
    Export,
    Time(Time),
}

/// What is to become of the time that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    Toggle,
    Slower,
    Faster,
    Back,
    Forward,
    Start,
    End,
}

impl State {
    /// What a picture has to show for this.
    pub(super) fn focus(&self, head: &Head) -> Focus {
        if let Some(topic) = &self.topic {
            return Focus::Topic(topic.clone());
        }
        match self.tab {
            Tab::Modules => match &self.beside {
                Some(name) => Focus::ModulesBeside(name.0.clone()),
                None => Focus::Modules,
            },
            Tab::Now => Focus::Now,
            Tab::Module => Focus::Module(self.module.clone().unwrap_or_default().0),
            Tab::Graph => Focus::Graph,
            Tab::Requests => Focus::Requests(match self.place().row {
                Some(Row::Id(id)) => Some(id),
                _ => None,
            }),
            Tab::Findings => Focus::Findings,
            Tab::TimeLine => Focus::Lanes(Window {
                span: self.span,
                only: self.filter.clone(),
                of: self.lane_of(head),
                first: self.place().top,
                count: list_height(self, head),
            }),
            Tab::Probes => Focus::Probes,
        }
    }

    /// Whether it shows lanes, of which a picture has those in sight only.
    fn is_time_line(&self) -> bool {
        self.tab == Tab::TimeLine && self.topic.is_none()
    }

    fn put(&mut self, rows: &[Row], index: usize, height: usize) {
        let index = index.min(rows.len().saturating_sub(1));
        let top = top_for(self.place().top, index, height, rows.len());
        let row = rows.get(index).cloned();
        self.places.insert(self.view(), Place { row, index, top });
    }

    /// A new picture is there: a view that was never looked at puts its cursor on the first row. That may be another one with each picture
    /// while a recording is read, so the cursor stays there until somebody [touches](State::touched) the view.
    pub(super) fn choose_first(&mut self, picture: &Picture) {
        // Text has no cursor, and most rows have theirs: only then is it worth to find out which rows there are.
        let place = self.place();
        let is_free = place.row.is_none() || !self.touched;
        if !rows::is_text(self) && (is_free || self.is_time_line()) {
            let rows = rows::shown(self, picture);
            let height = list_height(self, &picture.head);
            if is_free && !rows.is_empty() {
                self.put(&rows, place.index, height);
            } else if self.is_time_line() {
                self.put(&rows, self.cursor(&rows), height);
            }
        }
        self.beside = None;
        if let Body::Modules(_) = &picture.body
            && is_wide(self.area)
        {
            let rows = rows::shown(self, picture);
            self.beside = match rows.get(self.cursor(&rows)) {
                Some(Row::Module(name)) => Some(name.clone()),
                _ => None,
            };
        }
        if (self.module.is_none() || !self.touched)
            && let Some(Row::Module(name)) = self
                .places
                .get(&(Tab::Modules, None))
                .and_then(|place| place.row.clone())
        {
            self.module = Some(name);
        }
    }

    /// A key was pressed.
    pub(super) fn key(&mut self, key: KeyEvent, picture: &Picture) -> Option<Effect> {
        self.message = None;
        self.touched = true;
        if self.editing && self.edit(key) {
            return None;
        }
        if let Some(top) = self.help {
            return self.leaf(top, action(key));
        }
        let action = action(key)?;
        if !matches!(action, Action::DetailUp | Action::DetailDown) {
            self.detail = 0;
        }
        self.act(action, picture)
    }

    /// The mouse did something.
    pub(super) fn mouse(&mut self, event: MouseEvent, picture: &Picture) -> Option<Effect> {
        if self.help.is_some() || self.editing {
            return None;
        }
        let pointed = pointed(self, event, picture)?;
        self.touched = true;
        match pointed {
            Pointed::Does(action) => self.act(action, picture),
            Pointed::Row(row) => {
                let rows = rows::shown(self, picture);
                let height = list_height(self, &picture.head);
                let before = self.cursor(&rows);
                let index = top_for(self.place().top, before, height, rows.len()) + row;
                if index == before {
                    return self.act(Action::Open, picture);
                }
                if index < rows.len() {
                    self.put(&rows, index, height);
                }
                None
            }
        }
    }

    /// Turns the pages of the help; whatever is no movement takes it away, and only to quit means more.
    fn leaf(&mut self, top: usize, action: Option<Action>) -> Option<Effect> {
        let page = usize::from(self.area.height.saturating_sub(2)).max(1);
        self.help = match action {
            Some(Action::Up) => Some(top.saturating_sub(1)),
            Some(Action::Down) => Some(top + 1),
            Some(Action::PageUp) => Some(top.saturating_sub(page)),
            Some(Action::PageDown) => Some(top + page),
            _ => None,
        };
        (action == Some(Action::Quit)).then_some(Effect::Quit)
    }

    /// Whether the key went into the filter.
    fn edit(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if control => self.filter.clear(),
            KeyCode::Char(c) if !control => self.filter.push(c),
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Enter => self.editing = false,
            KeyCode::Esc => {
                self.editing = false;
                self.filter.clear();
            }
            _ => return false,
        }
        true
    }

    fn act(&mut self, action: Action, picture: &Picture) -> Option<Effect> {
        match action {
            Action::Quit => return Some(Effect::Quit),
            Action::Suspend => return Some(Effect::Suspend),
            Action::Redraw => return Some(Effect::Redraw),
            Action::Export => return Some(Effect::Export),
            Action::Play => return Some(Effect::Time(Time::Toggle)),
            Action::Slower => return Some(Effect::Time(Time::Slower)),
            Action::Faster => return Some(Effect::Time(Time::Faster)),
            Action::SeekBack => return Some(Effect::Time(Time::Back)),
            Action::SeekForward => return Some(Effect::Time(Time::Forward)),
            Action::SeekStart => return Some(Effect::Time(Time::Start)),
            Action::SeekEnd => return Some(Effect::Time(Time::End)),
            Action::Help => self.help = Some(0),
            Action::DetailUp => self.detail = self.detail.saturating_sub(1),
            Action::DetailDown => self.detail += 1,
            Action::Back => self.back(),
            Action::Show(tab) => self.show(tab),
            Action::NextTab => self.show(self.tab.step(1)),
            Action::PreviousTab => self.show(self.tab.step(-1)),
            Action::Filter => self.editing = true,
            Action::SortNext => self.sort = (self.sort + 1) % COLUMNS.len(),
            Action::SortPrevious => self.sort = (self.sort + COLUMNS.len() - 1) % COLUMNS.len(),
            Action::Reverse => self.reverse = !self.reverse,
            Action::Pin => self.pin(picture),
            Action::Open => self.open(picture),
            Action::ZoomIn => self.zoom(picture, (1, 2)),
            Action::ZoomOut => self.zoom(picture, (2, 1)),
            Action::ZoomAll => self.span = None,
            Action::Lanes => self.turn_lanes(picture),
            Action::Left => self.pan(picture, -1),
            Action::Right => self.pan(picture, 1),
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::First | Action::Last => {
                self.step(action, picture);
            }
        }
        None
    }

    fn show(&mut self, tab: Tab) {
        self.tab = tab;
        self.topic = None;
        self.trail.clear();
    }

    fn back(&mut self) {
        if let Some((tab, topic, module)) = self.trail.pop() {
            (self.tab, self.topic, self.module) = (tab, topic, module);
            return;
        }
        if self.filter.is_empty() {
            self.tab = Tab::Modules;
        }
        self.filter.clear();
    }

    fn step(&mut self, action: Action, picture: &Picture) {
        let rows = rows::shown(self, picture);
        let height = list_height(self, &picture.head);
        let last = rows.len().saturating_sub(1);
        // Text without a cursor scrolls by its first line.
        let (at, last) = if rows::is_text(self) {
            (self.place().index, rows.len().saturating_sub(height))
        } else {
            (self.cursor(&rows), last)
        };
        let page = height.max(2) - 1;
        let to = match action {
            Action::Up => at.saturating_sub(1),
            Action::Down => at + 1,
            Action::PageUp => at.saturating_sub(page),
            Action::PageDown => at + page,
            Action::First => 0,
            _ => last,
        };
        let to = to.min(last);
        if rows::is_text(self) {
            let place = Place {
                row: None,
                index: to,
                top: to,
            };
            self.places.insert(self.view(), place);
        } else {
            self.put(&rows, to, height);
        }
    }

    fn pin(&mut self, picture: &Picture) {
        let rows = rows::shown(self, picture);
        if let Some(Row::Module(name)) = rows.get(self.cursor(&rows))
            && !self.pinned.remove(name)
        {
            self.pinned.insert(name.clone());
        }
    }

    /// Goes to what the row under the cursor leads to.
    fn open(&mut self, picture: &Picture) {
        let rows = rows::shown(self, picture);
        let Some(to) = rows::leads_to(self, picture, self.cursor(&rows)) else {
            self.message = Some("nothing more is known of this row".to_owned());
            return;
        };
        self.trail.push((self.tab, self.topic.take(), self.module.clone()));
        match to {
            Topic::Module(name) => {
                self.module = Some(Name(name));
                self.tab = Tab::Module;
            }
            to => self.topic = Some(to),
        }
        self.places.remove(&self.view());
    }

    /// Zooms around the middle of what is shown.
    fn zoom(&mut self, picture: &Picture, (times, parts): (u64, u64)) {
        let Body::Lanes(lanes) = &picture.body else { return };
        let long = lanes.to_ns.saturating_sub(lanes.from_ns);
        // A microsecond: less than any stage takes.
        let new = (long / parts).saturating_mul(times).max(1_000);
        let whole = lanes.whole.1.saturating_sub(lanes.whole.0);
        if new >= whole {
            self.span = None;
            return;
        }
        let middle = lanes.from_ns + long / 2;
        let from = middle.saturating_sub(new / 2);
        self.span = Some((from, from + new));
    }

    /// From a lane for each attempt to one for each task, or back. The rows are others then.
    fn turn_lanes(&mut self, picture: &Picture) {
        self.lanes = Some(match self.lane_of(&picture.head) {
            LaneOf::Attempt => LaneOf::Task,
            LaneOf::Task => LaneOf::Attempt,
        });
        self.places.remove(&(Tab::TimeLine, None));
    }

    fn pan(&mut self, picture: &Picture, towards: i64) {
        let Body::Lanes(lanes) = &picture.body else { return };
        let long = lanes.to_ns.saturating_sub(lanes.from_ns);
        let step = long / 4;
        let from = if towards < 0 {
            lanes.from_ns.saturating_sub(step).max(lanes.whole.0.min(lanes.from_ns))
        } else {
            (lanes.from_ns + step).min(lanes.whole.1.saturating_sub(long).max(lanes.from_ns))
        };
        self.span = Some((from, from + long));
    }
}
