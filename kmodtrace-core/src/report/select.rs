//! Which modules a report shows, and in which order.

use std::cmp::Reverse;

use super::ModuleRow;
use crate::text::Names;

/// By what modules are sorted: most first, names in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// Calls that load.
    #[default]
    Attempts,
    /// Calls that failed.
    Failed,
    /// Sum of all waits.
    Wait,
    /// Sum of the loads' time.
    Load,
    /// Sum of the init functions' time.
    Init,
    /// Sum of the GOING windows.
    Going,
    /// Bytes read for nothing.
    Wasted,
    /// Name.
    Name,
}

impl SortKey {
    /// Every key with its name.
    pub const ALL: [(&'static str, Self); 8] = [
        ("attempts", Self::Attempts),
        ("failed", Self::Failed),
        ("wait", Self::Wait),
        ("load", Self::Load),
        ("init", Self::Init),
        ("going", Self::Going),
        ("wasted", Self::Wasted),
        ("name", Self::Name),
    ];

    fn of(self, row: &ModuleRow) -> u64 {
        match self {
            Self::Attempts => row.attempts,
            Self::Failed => row.failed(),
            Self::Wait => row.waited_ns(),
            Self::Load => row.load_ns.total,
            Self::Init => row.init_ns.as_ref().map_or(0, |init| init.total),
            Self::Going => row.going.as_ref().map_or(0, |going| going.total_ns),
            Self::Wasted => row.wasted_bytes.unwrap_or_default(),
            Self::Name => 0,
        }
    }
}

/// What of a report is shown. The default is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// These modules.
    pub modules: Names,
    /// In this order.
    pub sort: SortKey,
    /// So many of them; all when none.
    pub top: Option<usize>,
}

impl Selection {
    pub(super) fn arrange(&self, mut rows: Vec<ModuleRow>) -> Vec<ModuleRow> {
        rows.sort_by(|a, b| {
            let key = |row: &ModuleRow| (Reverse(self.sort.of(row)), row.name.is_none());
            key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
        });
        rows.truncate(self.top.unwrap_or(rows.len()));
        rows
    }
}
