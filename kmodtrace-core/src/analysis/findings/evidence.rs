//! What shows a finding.

use schemars::JsonSchema;
use serde::Serialize;

/// Ids that a finding shows: enough to look some of them up.
const SHOWN: usize = 8;

/// Ids of attempts or requests that show something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// How many there are.
    pub count: u64,
    /// The first of them, eight at most.
    pub ids: Vec<u64>,
}

impl Evidence {
    pub(super) fn add(&mut self, id: u64) {
        self.count += 1;
        if self.ids.len() < SHOWN {
            self.ids.push(id);
        }
    }

    pub(super) fn of(ids: &[u64], count: u64) -> Self {
        Self {
            count,
            ids: ids.iter().copied().take(SHOWN).collect(),
        }
    }

    /// How many there are besides those ids.
    pub(crate) fn more(&self) -> u64 {
        self.count.saturating_sub(self.ids.len() as u64)
    }

    /// `attempt 1`, `attempts 1, 2 and 40 more`
    pub(super) fn text(&self, what: &str) -> Option<String> {
        let ids: Vec<String> = self.ids.iter().map(u64::to_string).collect();
        let more = match self.more() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let many = if self.count == 1 { "" } else { "s" };
        (self.count > 0).then(|| format!("{what}{many} {}{more}", ids.join(", ")))
    }
}
