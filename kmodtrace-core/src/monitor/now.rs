//! Attempts in flight: what each is about, since when, and for whom it waits.

use std::collections::HashMap;

use super::Monitor;
use crate::analysis::stages::stages_until;
use crate::model::{AttemptId, Ktime, Role, Stage, WaitKind};
use crate::session::InFlight;

/// An attempt in flight. Times are nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NowRow {
    /// Its number.
    pub id: u64,
    /// Whether it unloads.
    pub unloads: bool,
    /// The module, where that is known by now.
    pub module: Option<String>,
    /// The task.
    pub tid: u32,
    /// Its name; empty when the entry was not seen.
    pub comm: String,
    /// Entry; none when it was not seen.
    pub start_ns: Option<u64>,
    /// Since the entry.
    pub lasted_ns: Option<u64>,
    /// What it is about; none when its entry was not seen.
    pub stage: Option<Stage>,
    /// The function, or `in load_module, after X`.
    pub place: Option<String>,
    /// What it is among the loads of the same module, as far as is known.
    pub role: Option<Role>,
    /// The wait that it is in.
    pub wait: Option<WaitNow>,
}

/// A wait that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitNow {
    /// Why.
    pub kind: WaitKind,
    /// Nanoseconds so far.
    pub lasted_ns: u64,
    /// For which module.
    pub module: Option<String>,
    /// For whom, where that is known.
    pub on: Option<OwnerNow>,
}

/// Whom somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerNow {
    /// The number of its attempt.
    pub id: u64,
    /// The task.
    pub tid: u32,
    /// Its name.
    pub comm: String,
    /// What it is about; none when it is not in flight any more.
    pub stage: Option<Stage>,
}

/// All of them, the oldest first.
pub(super) fn rows(monitor: &Monitor) -> Vec<NowRow> {
    let now = monitor.reached();
    let all: Vec<InFlight<'_>> = monitor.pipeline.session().in_flight().collect();
    let places: HashMap<AttemptId, (Stage, String)> = all
        .iter()
        .filter_map(|one| {
            let last = stages_until(one.attempt, now).pop()?;
            Some((one.attempt.id, (last.stage, last.name.to_string())))
        })
        .collect();
    let mut rows: Vec<NowRow> = all.iter().map(|one| row(one, &places, now)).collect();
    // Those whose entry was not seen are the oldest.
    rows.sort_by_key(|row| (row.start_ns, row.id));
    rows
}

fn row(one: &InFlight<'_>, places: &HashMap<AttemptId, (Stage, String)>, now: Ktime) -> NowRow {
    let attempt = one.attempt;
    let place = places.get(&attempt.id);
    let wait = one.waits.as_ref().map(|wait| {
        let own = matches!(wait.kind, WaitKind::SameInode | WaitKind::SameName);
        WaitNow {
            kind: wait.kind,
            lasted_ns: now.since(wait.span.start).0,
            module: wait
                .module
                .clone()
                .or_else(|| attempt.module.clone().filter(|_| own))
                .map(Into::into),
            on: wait.on.as_ref().map(|on| OwnerNow {
                id: on.attempt.0,
                tid: on.tid.0,
                comm: on.comm.clone().into(),
                stage: places.get(&on.attempt).map(|(stage, _)| *stage),
            }),
        }
    });
    NowRow {
        id: attempt.id.0,
        unloads: attempt.is_unload(),
        module: attempt.module.clone().map(Into::into),
        tid: attempt.tid.0,
        comm: attempt.comm.clone().into(),
        start_ns: attempt.start.map(|start| start.0),
        lasted_ns: attempt.start.map(|start| now.since(start).0),
        stage: place.map(|(stage, _)| *stage),
        place: place.map(|(_, name)| name.clone()),
        role: one.role,
        wait,
    }
}
