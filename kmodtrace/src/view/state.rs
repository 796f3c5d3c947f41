//! What the user has chosen to see.

use std::collections::{BTreeMap, BTreeSet};

use kmodtrace_core::model::Nanos;
use kmodtrace_core::monitor::{Head, LaneOf, ModuleNow, Topic};
use ratatui::layout::Rect;

use super::columns;
use super::row::{Name, Row};
use super::tab::Tab;

/// The cursor of a view: the row that it is on, by what the row is about, else by its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) row: Option<Row>,
    pub(super) index: usize,
    /// The first row that is shown.
    pub(super) top: usize,
}

/// The choices.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Of the terminal.
    pub(super) area: Rect,
    pub(super) tab: Tab,
    /// The first line of the help, while it is shown.
    pub(super) help: Option<usize>,
    /// The first line of what is below the list.
    pub(super) detail: usize,
    /// The module that the view of one module shows; none until one was chosen.
    pub(super) module: Option<Name>,
    /// What was opened and is shown instead of the view that it was opened in.
    pub(super) topic: Option<Topic>,
    /// What was shown before, the last behind: there Esc goes back to.
    pub(super) trail: Vec<(Tab, Option<Topic>, Option<Name>)>,
    /// The module whose details stand beside the list, where there is room for that.
    pub(super) beside: Option<Name>,
    pub(super) filter: String,
    /// Whether keys go into the filter.
    pub(super) editing: bool,
    /// The column that modules are sorted by.
    pub(super) sort: usize,
    pub(super) reverse: bool,
    pub(super) pinned: BTreeSet<Name>,
    /// The span of the time line; everything when none.
    pub(super) span: Option<(u64, u64)>,
    /// What each of its lanes is of; what suits the recording until it was chosen.
    pub(super) lanes: Option<LaneOf>,
    /// A wait that lasts longer than this stands out.
    pub(super) stuck_after: Nanos,
    /// What there is to say about the last action.
    pub(super) message: Option<String>,
    /// Whether a key was pressed, or the mouse used. Nobody has put the cursor anywhere before that.
    pub(super) touched: bool,
    /// The cursors, by the view that each is in.
    pub(super) places: BTreeMap<(Tab, Option<Topic>), Place>,
}

impl State {
    pub(super) fn new(stuck_after: Nanos) -> Self {
        Self {
            area: Rect::new(0, 0, 80, 24),
            tab: Tab::default(),
            help: None,
            detail: 0,
            module: None,
            topic: None,
            trail: Vec::new(),
            beside: None,
            filter: String::new(),
            editing: false,
            sort: columns::BY_ATTEMPTS,
            reverse: false,
            pinned: BTreeSet::new(),
            span: None,
            lanes: None,
            stuck_after,
            message: None,
            touched: false,
            places: BTreeMap::new(),
        }
    }

    /// Whether it stays at the top.
    pub(super) fn is_pinned(&self, module: &ModuleNow) -> bool {
        self.pinned.iter().any(|pinned| pinned.0 == module.row.name)
    }

    /// What each lane of the time line is of. In a boot it is a task, since workers of udev load for one device after the other.
    pub(super) fn lane_of(&self, head: &Head) -> LaneOf {
        self.lanes.unwrap_or(if head.marks.is_empty() {
            LaneOf::Attempt
        } else {
            LaneOf::Task
        })
    }

    /// Whether the filter lets this through.
    pub(super) fn lets_through(&self, text: &str) -> bool {
        self.filter.is_empty() || text.to_ascii_lowercase().contains(&self.filter.to_ascii_lowercase())
    }

    /// The cursor of the view that is shown.
    pub(super) fn place(&self) -> Place {
        self.places.get(&self.view()).cloned().unwrap_or_default()
    }

    /// The view that is shown, and what was opened in it.
    pub(super) fn view(&self) -> (Tab, Option<Topic>) {
        (self.tab, self.topic.clone())
    }

    /// Where the cursor is among these rows.
    pub(super) fn cursor(&self, rows: &[Row]) -> usize {
        let Place { row, index, .. } = self.place();
        let same = row.and_then(|row| rows.iter().position(|known| *known == row));
        same.unwrap_or(index).min(rows.len().saturating_sub(1))
    }
}
