//! A row for each module, with what goes on in it now.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Monitor;
use crate::analysis::aggregate::ModuleStats;
use crate::analysis::histogram::Histogram;
use crate::model::Name;
use crate::report::{ModuleRow, Spread};

/// A module.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleNow {
    /// What the report says of it.
    pub row: ModuleRow,
    /// All its waits together, nanoseconds.
    pub wait_ns: Spread,
    /// Its loads in flight.
    pub in_flight: u64,
    /// Those of them that wait.
    pub waiting: u64,
    /// Its last loads, the latest last.
    pub recent: Vec<Recent>,
}

/// How long a load took, and whether it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Nanoseconds; none where that was not seen.
    pub duration_ns: Option<u64>,
    /// Whether it failed.
    pub failed: bool,
}

/// All of them together.
pub(super) fn total(monitor: &Monitor) -> ModuleNow {
    let mut stats = ModuleStats::default();
    monitor
        .aggregates
        .modules
        .values()
        .for_each(|module| stats.merge(module));
    let session = monitor.pipeline.session();
    let loads = || session.in_flight().filter(|one| !one.attempt.is_unload());
    ModuleNow {
        row: ModuleRow::new(Some("(all)"), &stats, &Arc::new(monitor.source.coverage.clone())),
        wait_ns: Spread::new(&all_waits(&stats)),
        in_flight: loads().count() as u64,
        waiting: loads().filter(|one| one.waits.is_some()).count() as u64,
        recent: Vec::new(),
    }
}

/// Every module that has been seen, also those whose first load is in flight, by name.
pub(super) fn rows(monitor: &Monitor) -> Vec<ModuleNow> {
    let mut now: BTreeMap<Option<Name>, (u64, u64)> = BTreeMap::new();
    for one in monitor.pipeline.session().in_flight() {
        if !one.attempt.is_unload() {
            let (in_flight, waiting) = now.entry(one.attempt.module.clone()).or_default();
            *in_flight += 1;
            *waiting += u64::from(one.waits.is_some());
        }
    }
    let none = ModuleStats::default();
    let seen = &monitor.aggregates.modules;
    let new = now
        .keys()
        .filter(|name| !seen.contains_key(*name))
        .map(|name| (name, &none));
    let mut all: Vec<_> = seen.iter().chain(new).collect();
    all.sort_by_key(|(name, _)| *name);
    let coverage = Arc::new(monitor.source.coverage.clone());
    all.into_iter()
        .map(|(name, stats)| {
            let (in_flight, waiting) = now.get(name).copied().unwrap_or_default();
            ModuleNow {
                row: ModuleRow::new(name.as_deref(), stats, &coverage),
                wait_ns: Spread::new(&all_waits(stats)),
                in_flight,
                waiting,
                recent: monitor.history.recent_of(name),
            }
        })
        .collect()
}

fn all_waits(stats: &ModuleStats) -> Histogram {
    let mut all = Histogram::default();
    stats.waits.values().for_each(|waits| all.merge(waits));
    all
}
