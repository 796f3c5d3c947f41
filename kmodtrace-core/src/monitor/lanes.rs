//! Attempts as lanes over time.

use std::collections::HashMap;

use super::Monitor;
use crate::analysis::stages::{stages, stages_until};
use crate::model::{Attempt, Errno, Ktime, Stage, Tid, Wait, WaitKind};

/// What a lane is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LaneOf {
    /// One attempt.
    #[default]
    Attempt,
    /// All attempts of a task, one after the other. A tid that was given to another program of the same name is the same task.
    Task,
}

/// Which lanes are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// From one instant to another, nanoseconds of `CLOCK_MONOTONIC`; all that is kept when none.
    pub span: Option<(u64, u64)>,
    /// Only modules with this in their name.
    pub only: String,
    /// What each lane is of.
    pub of: LaneOf,
    /// The first lane, counted from 0.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// Lanes of attempts that meet a span of time, each in the place of its first attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// First instant.
    pub from_ns: u64,
    /// Last instant.
    pub to_ns: u64,
    /// The same of all that is kept, and of what the boot passed.
    pub whole: (u64, u64),
    /// What each lane is of.
    pub of: LaneOf,
    /// How many attempts meet the span.
    pub attempts: usize,
    /// How many lanes they make.
    pub total: usize,
    /// Which of them the first lane is.
    pub first: usize,
    /// Those that were asked for.
    pub lanes: Vec<Lane>,
}

/// A task, and one or more of its attempts in the order of their entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The task.
    pub tid: u32,
    /// Its name.
    pub comm: String,
    /// Those attempts that meet the span.
    pub attempts: Vec<LaneAttempt>,
}

/// An attempt on a lane. Times are nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneAttempt {
    /// Its number.
    pub id: u64,
    /// Whether it unloads.
    pub unloads: bool,
    /// The module.
    pub module: Option<String>,
    /// Where below /sys the device is that it is for; absent for tasks other than workers of udev, or if it was not seen.
    pub device: Option<String>,
    /// Entry.
    pub start_ns: u64,
    /// Return; none while it is in flight.
    pub end_ns: Option<u64>,
    /// What it got.
    pub errno: Option<Errno>,
    /// Its stages, in order; the last one of an attempt in flight goes on.
    pub stages: Vec<StagePiece>,
    /// Its waits, in order.
    pub waits: Vec<LaneWait>,
}

/// A stage on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StagePiece {
    /// What the loader was about.
    pub stage: Stage,
    /// First instant.
    pub start_ns: u64,
    /// Last instant.
    pub end_ns: u64,
}

/// A wait on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneWait {
    /// Why.
    pub kind: WaitKind,
    /// First instant.
    pub start_ns: u64,
    /// Last instant, until now where it lasts.
    pub end_ns: u64,
    /// For which attempt.
    pub on: Option<u64>,
}

/// An attempt with a place on a line of time.
#[derive(Clone, Copy)]
struct Placed<'m> {
    attempt: &'m Attempt,
    /// The wait that it is in.
    wait: Option<&'m Wait>,
    start: u64,
    /// Its return, or now.
    end: u64,
}

/// Those that a window asks for.
pub(super) fn lanes(monitor: &Monitor, window: &Window) -> Lanes {
    let now = monitor.reached();
    let session = monitor.pipeline.session();
    let open: Vec<(&Attempt, Option<Wait>)> = session.in_flight().map(|one| (one.attempt, one.waits)).collect();
    let open = open.iter().map(|(attempt, wait)| (*attempt, wait.as_ref()));
    // What did not begin in sight has no place on a line of time.
    let mut all: Vec<Placed<'_>> = monitor
        .history
        .attempts()
        .map(|attempt| (attempt, None))
        .chain(open)
        .filter(|(attempt, _)| attempt.module.as_deref().unwrap_or_default().contains(&window.only))
        .filter_map(|(attempt, wait)| {
            let start = attempt.start?.0;
            let end = attempt.end.unwrap_or(now).0.max(start);
            Some(Placed {
                attempt,
                wait,
                start,
                end,
            })
        })
        .collect();
    all.sort_by_key(|one| (one.start, one.attempt.id));
    let whole = whole(monitor, &all);
    let (from_ns, to_ns) = window.span.unwrap_or(whole);
    let mut groups = grouped(&all, window.of);
    for group in &mut groups {
        group.retain(|one| one.start <= to_ns && one.end >= from_ns);
    }
    groups.retain(|group| !group.is_empty());
    let first = window.first.min(groups.len().saturating_sub(1));
    let shown = groups.iter().skip(first).take(window.count);
    Lanes {
        from_ns,
        to_ns,
        whole,
        of: window.of,
        attempts: groups.iter().map(Vec::len).sum(),
        total: groups.len(),
        first,
        lanes: shown.filter_map(|group| lane(group, now)).collect(),
    }
}

/// From the first to the last instant there is something to show of.
fn whole(monitor: &Monitor, all: &[Placed<'_>]) -> (u64, u64) {
    let now = monitor.reached();
    let passed = || {
        monitor
            .marks
            .iter()
            .map(|mark| mark.time_ns.0)
            .filter(|time| *time <= now.0)
    };
    // Where attempts were forgotten, time before those that are kept would look as if there had been none.
    let whole_boot = passed().next().filter(|_| monitor.history.folded() == 0);
    let starts = all.first().map(|one| one.start).into_iter().chain(whole_boot);
    let first = starts.min().unwrap_or(monitor.start().0);
    let ends = all.iter().map(|one| one.end).chain(passed());
    (first, ends.max().unwrap_or(now.0).max(first.saturating_add(1)))
}

/// These as lanes. They are in the order of their entries, and so are the lanes, by their first ones.
fn grouped<'m>(all: &[Placed<'m>], of: LaneOf) -> Vec<Vec<Placed<'m>>> {
    let mut groups: Vec<Vec<Placed<'m>>> = Vec::new();
    let mut tasks: HashMap<(Tid, &str), usize> = HashMap::new();
    for one in all {
        let at = match of {
            LaneOf::Attempt => groups.len(),
            LaneOf::Task => {
                let task = (one.attempt.tid, one.attempt.comm.as_str());
                *tasks.entry(task).or_insert(groups.len())
            }
        };
        match groups.get_mut(at) {
            Some(group) => group.push(*one),
            None => groups.push(vec![*one]),
        }
    }
    groups
}

fn lane(group: &[Placed<'_>], now: Ktime) -> Option<Lane> {
    let task = group.first()?.attempt;
    Some(Lane {
        tid: task.tid.0,
        comm: task.comm.clone().into(),
        attempts: group.iter().map(|one| lane_attempt(one, now)).collect(),
    })
}

fn lane_attempt(one: &Placed<'_>, now: Ktime) -> LaneAttempt {
    let attempt = one.attempt;
    let pieces = match attempt.end {
        Some(_) => stages(attempt),
        None => stages_until(attempt, now),
    };
    let waits = attempt.waits.iter().chain(one.wait).map(|wait| LaneWait {
        kind: wait.kind,
        start_ns: wait.span.start.0,
        end_ns: wait.span.end.or(attempt.end).unwrap_or(now).0,
        on: wait.on.as_ref().map(|on| on.attempt.0),
    });
    LaneAttempt {
        id: attempt.id.0,
        unloads: attempt.is_unload(),
        module: attempt.module.clone().map(Into::into),
        device: attempt.device.as_ref().map(|device| device.path.clone()),
        start_ns: one.start,
        end_ns: attempt.end.map(|end| end.0.max(one.start)),
        errno: attempt.errno,
        stages: pieces
            .into_iter()
            .map(|piece| StagePiece {
                stage: piece.stage,
                start_ns: piece.start.0,
                end_ns: piece.start.0 + piece.duration.0,
            })
            .collect(),
        waits: waits.collect(),
    }
}
