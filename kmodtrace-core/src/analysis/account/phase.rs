//! The phases of a boot: who loads modules when, from the kernel's own requests to the real root's udev.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::became::Became;
use crate::analysis::union::Union;
use crate::model::{Attempt, Ktime, Tgid, is_udev};

/// A part of a boot that loads modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// For requests of the kernel.
    Requests,
    /// By udev, before the real root's first program ran.
    InitramfsUdev,
    /// By others before that.
    Initramfs,
    /// By udev, from then on.
    Udev,
    /// By the first process itself.
    Init,
    /// By systemd-modules-load.
    ModulesLoad,
    /// By a modprobe that the first process started, as `modprobe@.service` does.
    ModprobeUnits,
    /// By others.
    Others,
}

impl Phase {
    /// As text calls it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Requests => "kernel's requests",
            Self::InitramfsUdev => "initramfs udev",
            Self::Initramfs => "initramfs, others",
            Self::Udev => "udev",
            Self::Init => "PID 1",
            Self::ModulesLoad => "modules-load",
            Self::ModprobeUnits => "modprobe units",
            Self::Others => "others",
        }
    }

    /// Which one a load belongs to; `root` is when the real root's first program began.
    fn of(load: &Attempt, root: Option<Ktime>) -> Self {
        let before = root.is_some_and(|root| load.start.is_some_and(|start| start < root));
        if load.request.is_some() {
            return Self::Requests;
        }
        let by_udev = is_udev(&load.comm) || load.parent.as_ref().is_some_and(|parent| is_udev(&parent.comm));
        let by_init = load.parent.as_ref().is_some_and(|parent| parent.tgid == Tgid(1));
        match (by_udev, before) {
            (true, true) => Self::InitramfsUdev,
            (true, false) => Self::Udev,
            (false, true) => Self::Initramfs,
            // The kernel keeps 15 bytes of a name.
            (false, false) if load.comm.starts_with("systemd-modules") => Self::ModulesLoad,
            (false, false) if load.tgid == Tgid(1) => Self::Init,
            (false, false) if by_init && load.comm == "modprobe" => Self::ModprobeUnits,
            (false, false) => Self::Others,
        }
    }
}

/// What a phase came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PhaseRow {
    /// Which one.
    pub phase: Phase,
    /// When its first load began.
    pub first_ns: Option<u64>,
    /// Loads.
    pub loads: u64,
    /// Loads that another task's load made unnecessary, or turned away.
    pub duplicates: u64,
    /// Loads that failed, those not counted whose module was there already.
    pub failed: u64,
    /// Nanoseconds in which at least one of its loads was in flight.
    pub in_flight_ns: u64,
    /// Nanoseconds that its tasks waited for other tasks' loads, added up.
    pub waited_ns: u64,
}

#[derive(Debug, Default)]
struct Sums {
    first: Option<Ktime>,
    loads: u64,
    duplicates: u64,
    failed: u64,
    union: Union,
    waited: u64,
}

/// Sums by phase.
#[derive(Debug, Default)]
pub(super) struct Phases {
    root: Option<Ktime>,
    sums: BTreeMap<Phase, Sums>,
}

impl Phases {
    pub(super) fn new(root: Option<Ktime>) -> Self {
        Self {
            root,
            sums: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, load: &Attempt, became: Became, waited: u64) {
        let sums = self.sums.entry(Phase::of(load, self.root)).or_default();
        sums.loads += 1;
        sums.duplicates += u64::from(became == Became::AlreadyThere);
        sums.failed += u64::from(became == Became::Failed);
        sums.waited = sums.waited.saturating_add(waited);
        sums.first = match (sums.first, load.start) {
            (Some(first), Some(start)) => Some(first.min(start)),
            (first, start) => first.or(start),
        };
        if let (Some(start), Some(end)) = (load.start, load.end) {
            sums.union.add(start, end);
        }
    }

    /// In the order in which they began.
    pub(super) fn list(self) -> Vec<PhaseRow> {
        let rows = self.sums.into_iter().map(|(phase, sums)| PhaseRow {
            phase,
            first_ns: sums.first.map(|first| first.0),
            loads: sums.loads,
            duplicates: sums.duplicates,
            failed: sums.failed,
            in_flight_ns: sums.union.total(),
            waited_ns: sums.waited,
        });
        let mut rows: Vec<PhaseRow> = rows.collect();
        rows.sort_by_key(|row| row.first_ns);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::graph::fixture::attempt;
    use crate::model::Parent;

    #[test]
    fn a_load_belongs_to_who_made_it_and_when() {
        let of = |at: u64, comm: &str, parent: u32, parent_comm: &str| {
            let mut load = attempt(1, "m", at, at + 1);
            load.comm = comm.into();
            load.parent = Some(Parent {
                tgid: Tgid(parent),
                comm: parent_comm.into(),
            });
            Phase::of(&load, Some(Ktime(50_000_000)))
        };
        assert_eq!(of(10, "(udev-worker)", 200, "systemd-udevd"), Phase::InitramfsUdev);
        assert_eq!(of(10, "modprobe", 201, "init"), Phase::Initramfs);
        assert_eq!(of(60, "(udev-worker)", 300, "systemd-udevd"), Phase::Udev);
        assert_eq!(of(60, "modprobe", 300, "(udev-worker)"), Phase::Udev);
        assert_eq!(of(60, "systemd-modules", 1, "systemd"), Phase::ModulesLoad);
        assert_eq!(of(60, "modprobe", 1, "systemd"), Phase::ModprobeUnits);
        assert_eq!(of(60, "modprobe", 400, "bash"), Phase::Others);
        let mut requested = attempt(1, "m", 60, 61);
        requested.request = Some(crate::model::RequestId(1));
        assert_eq!(Phase::of(&requested, None), Phase::Requests);
    }
}
