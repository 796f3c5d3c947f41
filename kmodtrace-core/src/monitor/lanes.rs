//! Attempts as lanes over time.

use super::Monitor;
use crate::analysis::stages::{stages, stages_until};
use crate::model::{Attempt, Errno, Ktime, Stage, Wait, WaitKind};

/// Which lanes are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// From one instant to another, nanoseconds of `CLOCK_MONOTONIC`; all that is kept when none.
    pub span: Option<(u64, u64)>,
    /// Only modules with this in their name.
    pub only: String,
    /// The first lane, counted from 0.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// Lanes of attempts that meet a span of time, in the order of their entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// First instant.
    pub from_ns: u64,
    /// Last instant.
    pub to_ns: u64,
    /// The same of all that is kept.
    pub whole: (u64, u64),
    /// How many attempts meet it.
    pub total: usize,
    /// Which of them the first lane is.
    pub first: usize,
    /// Those that were asked for.
    pub lanes: Vec<Lane>,
}

/// An attempt. Times are nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its number.
    pub id: u64,
    /// Whether it unloads.
    pub unloads: bool,
    /// The module.
    pub module: Option<String>,
    /// The task.
    pub tid: u32,
    /// Its name.
    pub comm: String,
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

/// A piece of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StagePiece {
    /// What the loader was about.
    pub stage: Stage,
    /// First instant.
    pub start_ns: u64,
    /// Last instant.
    pub end_ns: u64,
}

/// A wait of a lane.
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

/// Those that a window asks for.
pub(super) fn lanes(monitor: &Monitor, window: &Window) -> Lanes {
    let now = monitor.reached();
    let session = monitor.pipeline.session();
    let open: Vec<(&Attempt, Option<Wait>)> = session.in_flight().map(|one| (one.attempt, one.waits)).collect();
    let open = open.iter().map(|(attempt, wait)| (*attempt, wait.as_ref()));
    // What did not begin in sight has no place on a line of time.
    let mut all: Vec<(u64, u64, &Attempt, Option<&Wait>)> = monitor
        .history
        .attempts()
        .map(|attempt| (attempt, None))
        .chain(open)
        .filter(|(attempt, _)| attempt.module.as_deref().unwrap_or_default().contains(&window.only))
        .filter_map(|(attempt, wait)| {
            let start = attempt.start?.0;
            Some((start, attempt.end.unwrap_or(now).0.max(start), attempt, wait))
        })
        .collect();
    all.sort_by_key(|(start, _, attempt, _)| (*start, attempt.id));
    let first_ns = all.first().map_or(monitor.start().0, |(start, ..)| *start);
    let last_ns = all
        .iter()
        .map(|(_, end, ..)| *end)
        .max()
        .unwrap_or(now.0)
        .max(first_ns + 1);
    let (from_ns, to_ns) = window.span.unwrap_or((first_ns, last_ns));
    all.retain(|(start, end, ..)| *start <= to_ns && *end >= from_ns);
    let first = window.first.min(all.len().saturating_sub(1));
    let shown = all.iter().skip(first).take(window.count);
    Lanes {
        from_ns,
        to_ns,
        whole: (first_ns, last_ns),
        total: all.len(),
        first,
        lanes: shown
            .map(|(start, _, attempt, wait)| lane(*start, attempt, *wait, now))
            .collect(),
    }
}

fn lane(start_ns: u64, attempt: &Attempt, wait: Option<&Wait>, now: Ktime) -> Lane {
    let pieces = match attempt.end {
        Some(_) => stages(attempt),
        None => stages_until(attempt, now),
    };
    let waits = attempt.waits.iter().chain(wait).map(|wait| LaneWait {
        kind: wait.kind,
        start_ns: wait.span.start.0,
        end_ns: wait.span.end.or(attempt.end).unwrap_or(now).0,
        on: wait.on.as_ref().map(|on| on.attempt.0),
    });
    Lane {
        id: attempt.id.0,
        unloads: attempt.is_unload(),
        module: attempt.module.clone(),
        tid: attempt.tid.0,
        comm: attempt.comm.clone(),
        start_ns,
        end_ns: attempt.end.map(|end| end.0),
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
