//! Which modules a report shows, and in which order.

use std::cmp::Reverse;

use super::ModuleRow;
use crate::measures::{MEASURES, Measure};
use crate::model::{Finished, Wanted};
use crate::text::Names;

/// By what modules are sorted: most first, names in their order.
#[derive(Clone, Copy, Debug)]
pub enum SortKey {
    /// A number of theirs.
    By(&'static Measure),
    /// The sum of all loads that went ahead, and of all waits: what it cost the tasks.
    Time,
    /// The sum of all waits.
    Wait,
    /// Name.
    Name,
}

impl Default for SortKey {
    fn default() -> Self {
        Self::By(&MEASURES[0])
    }
}

impl SortKey {
    /// Every key with its name.
    pub fn all() -> impl Iterator<Item = (&'static str, Self)> {
        let measures = MEASURES.iter().filter(|measure| !measure.sort.is_empty());
        let measures = measures.map(|measure| (measure.sort, Self::By(measure)));
        measures.chain([("time", Self::Time), ("wait", Self::Wait), ("name", Self::Name)])
    }

    fn weight(self, row: &ModuleRow) -> u64 {
        match self {
            Self::By(measure) => row.weight(measure),
            Self::Time => row.waited_ns().saturating_add(row.stats.load.sum()),
            Self::Wait => row.waited_ns(),
            Self::Name => 0,
        }
    }
}

/// What of a report is shown. The default is everything.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// These modules.
    pub modules: Names,
    /// Attempts and requests that are like this.
    pub wanted: Wanted,
    /// In this order.
    pub sort: SortKey,
    /// So many of them; all when none.
    pub top: Option<usize>,
}

impl Selection {
    /// Whether it is of a module, or a request, whose name is asked for.
    pub fn names(&self, finished: &Finished) -> bool {
        match finished {
            Finished::Attempt(attempt) => self.modules.take(attempt.module.as_deref()),
            Finished::Request(request) => self.modules.take(Some(&request.name)),
            Finished::State(_) | Finished::Call(_) => self.modules.are_all(),
        }
    }

    pub(super) fn arrange(&self, mut rows: Vec<ModuleRow>) -> Vec<ModuleRow> {
        rows.sort_by(|a, b| {
            let key = |row: &ModuleRow| (Reverse(self.sort.weight(row)), row.name.is_none());
            key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
        });
        rows.truncate(self.top.unwrap_or(rows.len()));
        rows
    }
}
