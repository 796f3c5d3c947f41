//! What a boot waited for: the units of systemd on the critical path, and the loads in the time that each of them took.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::union::Union;
use crate::model::{Attempt, Cgroups, Ktime, entry_or, entry_within};
use crate::recording::{Boot, Milestone};

/// Modules that are told apart for a unit; the rest is one.
const MODULES: usize = 256;
/// Cgroups in which loads are counted for a unit.
const CGROUPS: usize = 64;

/// Stands for all that was before the first unit.
const BEFORE: &str = "(kernel and initramfs)";

/// A unit on the critical path: the next one could not become active before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CriticalRow {
    /// Its name; `(kernel and initramfs)` is what was before systemd began in the real root.
    pub unit: String,
    /// When it was active, in nanoseconds since the kernel started.
    pub active_ns: u64,
    /// Nanoseconds from when the unit before it was active until it was: what it adds to the boot.
    pub added_ns: u64,
    /// Nanoseconds of these in which a load was in flight. That it was waited for does not follow.
    pub in_flight_ns: u64,
    /// Nanoseconds of tasks in loads within that time, by module, most first.
    pub modules: Vec<(String, u64)>,
    /// Loads that began in that time in the unit's own cgroup; null where no cgroup is known.
    pub own_loads: Option<u64>,
}

/// The time of a unit.
#[derive(Debug)]
struct Step {
    unit: String,
    from: Ktime,
    to: Ktime,
    union: Union,
    modules: BTreeMap<String, u64>,
    cgroups: BTreeMap<u64, u64>,
}

impl Step {
    fn add(&mut self, load: &Attempt, start: Ktime, end: Ktime) {
        let (from, to) = (start.max(self.from), end.min(self.to));
        if from >= to {
            return;
        }
        self.union.add(from, to);
        let name = load.module.as_deref().unwrap_or("(unknown)").to_owned();
        let long = entry_or(&mut self.modules, MODULES, name, |_| "(others)".to_owned()).or_default();
        *long = long.saturating_add(to.since(from).0);
        let cgroup = load.cgroup.filter(|_| start >= self.from);
        if let Some(loads) = cgroup.and_then(|id| entry_within(&mut self.cgroups, CGROUPS, id)) {
            *loads.or_default() += 1;
        }
    }

    fn row(self, cgroups: &Cgroups) -> CriticalRow {
        let is_own = |id: u64| {
            let path = cgroups.path(id);
            path.is_some_and(|path| Cgroups::unit(path) == self.unit)
        };
        let own = self.cgroups.iter().filter(|(id, _)| is_own(**id));
        let own: u64 = own.map(|(_, loads)| loads).sum();
        let mut modules: Vec<(String, u64)> = self.modules.into_iter().collect();
        modules.sort_by_key(|(_, long)| Reverse(*long));
        CriticalRow {
            active_ns: self.to.0,
            added_ns: self.to.since(self.from).0,
            in_flight_ns: self.union.total(),
            modules,
            own_loads: (!cgroups.is_empty()).then_some(own),
            unit: self.unit,
        }
    }
}

/// Sums for each unit of the path.
#[derive(Debug, Default)]
pub(super) struct Critical(Vec<Step>);

impl Critical {
    /// Of this boot; empty where systemd was not asked.
    pub(super) fn new(boot: &Boot) -> Self {
        if boot.chain.is_empty() {
            return Self::default();
        }
        let before = boot.at(Milestone::Userspace).map(|began| (BEFORE, began));
        let units = boot.chain.iter().map(|unit| (unit.name.as_str(), unit.active_ns));
        let mut from = Ktime(0);
        let step = |(unit, active): (&str, Ktime)| {
            // A unit may be active before one that it is not ordered after, but that is.
            let to = active.max(from);
            let step = Step {
                unit: unit.to_owned(),
                from,
                to,
                union: Union::default(),
                modules: BTreeMap::new(),
                cgroups: BTreeMap::new(),
            };
            from = to;
            step
        };
        Self(before.into_iter().chain(units).map(step).collect())
    }

    pub(super) fn add(&mut self, load: &Attempt) {
        if let (Some(start), Some(end)) = (load.start, load.end) {
            self.0.iter_mut().for_each(|step| step.add(load, start, end));
        }
    }

    /// In the order of the path.
    pub(super) fn list(self, cgroups: &Cgroups) -> Vec<CriticalRow> {
        self.0.into_iter().map(|step| step.row(cgroups)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::graph::fixture::attempt;
    use crate::recording::{BootMark, BootUnit};

    #[test]
    fn loads_count_for_the_unit_in_whose_time_they_are() {
        let unit = |name: &str, active: u64| BootUnit {
            name: name.to_owned(),
            activating_ns: Ktime(active - 1),
            active_ns: Ktime(active),
        };
        let boot = Boot {
            marks: vec![BootMark {
                milestone: Milestone::Userspace,
                time_ns: Ktime(100),
            }],
            chain: vec![unit("a.service", 150), unit("b.target", 140), unit("c.target", 300)],
            ..Boot::default()
        };
        let mut critical = Critical::new(&boot);
        let mut cgroups = Cgroups::default();
        cgroups.add(7, "/system.slice/a.service");
        for (module, start, end, cgroup) in [("m", 50, 120, 1), ("n", 110, 160, 7), ("n", 400, 500, 7)] {
            let mut load = attempt(1, module, 0, 0);
            (load.start, load.end, load.cgroup) = (Some(Ktime(start)), Some(Ktime(end)), Some(cgroup));
            critical.add(&load);
        }
        let rows = critical.list(&cgroups);
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.unit.as_str(), row.added_ns, row.in_flight_ns, row.own_loads))
            .collect();
        assert_eq!(
            told,
            [
                (BEFORE, 100, 50, Some(0)),
                ("a.service", 50, 50, Some(1)),
                ("b.target", 0, 0, Some(0)),
                ("c.target", 150, 10, Some(0)),
            ]
        );
        assert_eq!(rows[1].modules, [("n".to_owned(), 40), ("m".to_owned(), 20)]);
        assert_eq!(rows.last().unwrap_or(&CriticalRow::default()).active_ns, 300);
    }

    #[test]
    fn a_boot_without_systemd_has_no_such_path() {
        assert_eq!(Critical::new(&Boot::default()).list(&Cgroups::default()), []);
    }
}
