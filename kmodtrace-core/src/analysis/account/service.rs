//! For which services loads were made: by the cgroup of the task that made the call.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Attempt, Cgroups, entry_or};

/// Cgroups that are told apart; the rest is one.
const KEPT: usize = 1_024;

/// A cgroup that loads were made in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ServiceRow {
    /// Its path from the root of the hierarchy on, `/system.slice/systemd-udevd.service`; `/` is the root, where the kernel's helpers are,
    /// and all tasks of an initramfs without systemd. Null for those that were gone before they were looked at.
    pub cgroup: Option<String>,
    /// Loads.
    pub loads: u64,
    /// Nanoseconds that these loads took, added up.
    pub task_ns: u64,
}

impl ServiceRow {
    /// The name of the service, the scope or the container.
    pub fn name(&self) -> &str {
        self.cgroup.as_deref().map_or("(not known)", Cgroups::unit)
    }
}

/// Counts loads and their time by cgroup; none is of attempts whose entry was not seen.
#[derive(Debug, Default)]
pub(super) struct Services(BTreeMap<Option<u64>, (u64, u64)>);

impl Services {
    pub(super) fn add(&mut self, attempt: &Attempt, long: u64) {
        let (loads, time) = entry_or(&mut self.0, KEPT, attempt.cgroup, |_| None).or_default();
        *loads += 1;
        *time = time.saturating_add(long);
    }

    /// The rows, most time first. None where no cgroup is known.
    pub(super) fn list(self, cgroups: &Cgroups) -> Vec<ServiceRow> {
        if cgroups.is_empty() {
            return Vec::new();
        }
        // A service that was started anew has another id and the same path.
        let mut rows: BTreeMap<Option<&str>, ServiceRow> = BTreeMap::new();
        for (id, (loads, long)) in self.0 {
            let cgroup = id.and_then(|id| cgroups.path(id));
            let row = rows.entry(cgroup).or_default();
            row.cgroup = cgroup.map(str::to_owned);
            row.loads += loads;
            row.task_ns = row.task_ns.saturating_add(long);
        }
        let mut rows: Vec<ServiceRow> = rows.into_values().collect();
        rows.sort_by_key(|row| Reverse((row.task_ns, row.loads)));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptId, Tgid, Tid};

    #[test]
    fn services_are_told_by_path_and_what_is_gone_is_not_known() {
        let mut services = Services::default();
        let mut attempt = Attempt::new(AttemptId(1), Tid(1), Tgid(1));
        for (id, long) in [(Some(7), 5), (Some(8), 6), (Some(9), 3), (None, 1), (Some(1), 2)] {
            attempt.cgroup = id;
            services.add(&attempt, long);
        }
        let mut cgroups = Cgroups::default();
        for (id, path) in [(7, "/a.slice/b.service"), (8, "/a.slice/b.service"), (1, "/")] {
            cgroups.add(id, path);
        }
        let rows = services.list(&cgroups);
        let told: Vec<_> = rows.iter().map(|row| (row.name(), row.loads, row.task_ns)).collect();
        assert_eq!(told, [("b.service", 2, 11), ("(not known)", 2, 4), ("/", 1, 2)]);
    }

    #[test]
    fn a_recording_without_cgroups_tells_nothing() {
        let mut services = Services::default();
        services.add(&Attempt::new(AttemptId(1), Tid(1), Tgid(1)), 5);
        assert_eq!(services.list(&Cgroups::default()), []);
    }
}
