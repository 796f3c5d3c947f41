//! Which devices made udev load modules, by the alias that they have in common: eight processors ask for the same eight times.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::became::Became;
use crate::model::{Attempt, entry_within};

/// Aliases that are told apart; the rest is not counted by alias.
const KEPT: usize = 4_096;
/// Devices and modules of an alias that are told apart.
const NAMED: usize = 1_024;

/// Loads for devices with one alias.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AliasRow {
    /// `MODALIAS` of the devices; null where they have none.
    pub alias: Option<String>,
    /// The first of the devices, as `DEVPATH`.
    pub device: String,
    /// How many devices.
    pub devices: u64,
    /// Loads for them.
    pub loads: u64,
    /// Loads that another task's load made unnecessary.
    pub duplicates: u64,
    /// Loads that failed, those not counted whose module was there already.
    pub failed: u64,
    /// Nanoseconds that these loads took, added up.
    pub task_ns: u64,
    /// The modules, in alphabetical order.
    pub modules: BTreeSet<String>,
}

/// Sums by alias.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    /// By the alias, or by the device that has none.
    all: BTreeMap<String, (AliasRow, BTreeSet<String>)>,
}

impl Aliases {
    pub(super) fn add(&mut self, load: &Attempt, became: Became, long: u64) {
        let Some(device) = &load.device else { return };
        let key = device.alias.as_ref().unwrap_or(&device.path);
        let Some(entry) = entry_within(&mut self.all, KEPT, key.clone()) else {
            return;
        };
        let (row, devices) = entry.or_insert_with(|| {
            let row = AliasRow {
                alias: device.alias.clone(),
                device: device.path.clone(),
                ..AliasRow::default()
            };
            (row, BTreeSet::new())
        });
        if devices.len() < NAMED && devices.insert(device.path.clone()) {
            row.devices += 1;
        }
        row.loads += 1;
        row.duplicates += u64::from(became == Became::AlreadyThere);
        row.failed += u64::from(became == Became::Failed);
        row.task_ns = row.task_ns.saturating_add(long);
        if row.modules.len() < NAMED {
            row.modules.extend(load.module.as_deref().map(str::to_owned));
        }
    }

    /// Those that cost most first.
    pub(super) fn list(self) -> Vec<AliasRow> {
        let mut rows: Vec<AliasRow> = self.all.into_values().map(|(row, _)| row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.task_ns, row.loads)));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::graph::fixture::attempt;
    use crate::model::Device;

    #[test]
    fn devices_with_one_alias_are_one_row() {
        let mut aliases = Aliases::default();
        for (id, path, alias) in [
            (1, "/cpu0", Some("cpu:x")),
            (2, "/cpu1", Some("cpu:x")),
            (3, "/odd", None),
        ] {
            let mut load = attempt(id, "kvm", 0, 10);
            load.device = Some(Device {
                path: path.to_owned(),
                alias: alias.map(str::to_owned),
                ..Device::default()
            });
            let became = if id == 1 { Became::Loaded } else { Became::AlreadyThere };
            aliases.add(&load, became, 10);
        }
        aliases.add(&attempt(4, "other", 0, 10), Became::Loaded, 10);
        let rows = aliases.list();
        let told = rows
            .iter()
            .map(|row| (row.device.as_str(), row.devices, row.loads, row.duplicates));
        assert_eq!(told.collect::<Vec<_>>(), [("/cpu0", 2, 2, 1), ("/odd", 1, 1, 1)]);
    }
}
