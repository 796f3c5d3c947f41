//! What only two attempts together show: a waiter and its owner, handed out in either order.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::finding::Name as Finding;
use super::tally::{Sum, Tallies};
use crate::model::{Attempt, AttemptId, ByNumber, Errno, Name, Span, WaitKind};

/// Attempts remembered. A waiter and its owner return shortly after one another.
const REMEMBERED: usize = 4_096;

/// Modules whose arguments are remembered; a machine has some hundred.
const MODULES: usize = 8_192;

/// What is remembered of an attempt.
#[derive(Clone, Debug, Default)]
struct Side {
    id: AttemptId,
    module: Option<Name>,
    args_len: Option<u32>,
    /// What it got.
    errno: Option<Errno>,
    /// Somebody else had loaded the module, or did.
    duplicate: bool,
    /// Whose load that was.
    leader: Option<AttemptId>,
    /// Its waits for others.
    waits: Vec<(WaitKind, AttemptId, Span)>,
    /// Its grace periods, where it failed or unloads.
    rcu: Vec<Span>,
}

/// The last attempts that waited, or that others may have waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    sides: ByNumber<AttemptId, Side>,
    order: VecDeque<AttemptId>,
    /// Who waited for an attempt that has not been handed out.
    waiters: ByNumber<AttemptId, Vec<AttemptId>>,
    /// Length of the arguments of the last load that succeeded, by module: as many as there are modules.
    loaded: HashMap<Name, Option<u32>>,
    /// Some wait for the mutex was seen: then they are watched.
    mutex_watched: bool,
}

impl Pairs {
    /// Takes an attempt, and counts what it and those before it show.
    pub(super) fn add(&mut self, attempt: &Attempt, tallies: &mut Tallies) {
        let side = Side::of(attempt);
        self.mutex_watched |= attempt.waits.iter().any(|wait| wait.kind == WaitKind::Mutex);
        let owners = side.waits.iter().map(|(_, owner, _)| *owner);
        let owners: BTreeSet<AttemptId> = owners.chain(side.leader).collect();
        for owner in owners {
            if let Some(owner) = self.sides.get(&owner) {
                judge(&side, owner, tallies);
            } else {
                self.waiters.entry(owner).or_default().push(side.id);
            }
        }
        for waiter in self.waiters.remove(&side.id).unwrap_or_default() {
            if let Some(waiter) = self.sides.get(&waiter) {
                judge(waiter, &side, tallies);
            }
        }
        if !attempt.is_unload() {
            self.loaded_before(&side, tallies);
            unwatched(&side, tallies);
        }
        self.remember(side);
    }

    /// Whether the waits for `module_mutex` are watched, as far as can be told.
    pub(super) fn mutex_watched(&self) -> bool {
        self.mutex_watched
    }

    /// Attempts remembered, and owners waited for.
    #[cfg(test)]
    pub(super) fn entries(&self) -> (usize, usize) {
        (self.sides.len(), self.waiters.len())
    }

    /// It finds the module loaded by somebody who is long gone.
    fn loaded_before(&mut self, side: &Side, tallies: &mut Tallies) {
        let Some(module) = &side.module else { return };
        if side.is_late() && side.leader.is_none() {
            let before = self.loaded.get(module).copied().flatten();
            if before.is_none() || before != side.args_len {
                ignored(side, "live", tallies);
            }
        }
        if side.errno == Some(Errno::OK) && !side.duplicate && self.loaded.len() < MODULES {
            self.loaded.insert(module.clone(), side.args_len);
        }
    }

    fn remember(&mut self, side: Side) {
        self.order.push_back(side.id);
        self.sides.insert(side.id, side);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
            && let Some(oldest) = self.sides.remove(&oldest)
        {
            // An owner that has not come by now will not come.
            let owners = oldest.waits.iter().map(|(_, owner, _)| *owner);
            for owner in owners.chain(oldest.leader) {
                self.waiters.remove(&owner);
            }
        }
    }
}

impl Side {
    fn of(attempt: &Attempt) -> Self {
        let on = |wait: &crate::model::Wait| Some((wait.kind, wait.on.as_ref()?.attempt, wait.span));
        let rcu = attempt.waits.iter().filter(|wait| wait.kind == WaitKind::Rcu);
        let clears_up = attempt.failed() || attempt.is_unload();
        Self {
            id: attempt.id,
            module: attempt.module.clone(),
            args_len: attempt.args_len,
            errno: attempt.errno,
            duplicate: attempt.collided_with.is_some() && attempt.init.is_none(),
            leader: attempt.leader.as_ref().map(|leader| leader.attempt),
            waits: attempt.waits.iter().filter_map(on).collect(),
            rcu: rcu.filter(|_| clears_up).map(|wait| wait.span).collect(),
        }
    }
}

impl Side {
    /// It brought arguments, and the module was LIVE.
    fn is_late(&self) -> bool {
        let brings = self.args_len.is_some_and(|len| len > 0);
        brings && self.duplicate && self.errno == Some(Errno::EEXIST)
    }

    /// Only the lengths of arguments are known: of equal ones nothing is said.
    fn brings_others_than(&self, owner: &Self) -> bool {
        match (self.args_len, owner.args_len) {
            (Some(own), Some(others)) => own > 0 && own != others,
            _ => false,
        }
    }
}

fn ignored(side: &Side, case: &'static str, tallies: &mut Tallies) {
    if let Some(tally) = tallies.of(Finding::ParametersIgnored, side.module.as_deref(), case) {
        tally.add(Sum::Times, 1);
        tally.attempts.add(side.id.0);
    }
}

/// Each wait of the one for the other.
fn judge(waiter: &Side, owner: &Side, tallies: &mut Tallies) {
    if waiter.leader == Some(owner.id) && waiter.is_late() && waiter.brings_others_than(owner) {
        ignored(waiter, "live", tallies);
    }
    let module = owner.module.as_deref();
    for (kind, _, span) in waiter.waits.iter().filter(|(_, on, _)| *on == owner.id) {
        match kind {
            // Who shares a load shares its arguments.
            WaitKind::SameInode if waiter.errno == Some(Errno::OK) && waiter.brings_others_than(owner) => {
                ignored(waiter, "shared", tallies);
            }
            WaitKind::Mutex => {
                let overlap = owner
                    .rcu
                    .iter()
                    .map(|rcu| overlap(*rcu, *span))
                    .fold(0, u64::saturating_add);
                if overlap > 0
                    && let Some(tally) = tallies.of(Finding::MutexAcrossRcu, module, "watched")
                {
                    tally.add(Sum::Waits, 1);
                    tally.add(Sum::Waited, overlap);
                    tally.attempts.add(waiter.id.0);
                }
            }
            _ => {}
        }
    }
}

/// Grace periods of a failed load, in case nobody watches the mutex.
fn unwatched(side: &Side, tallies: &mut Tallies) {
    let rcu = side.rcu.iter().filter_map(|span| span.duration()).map(|long| long.0);
    let rcu = rcu.fold(0, u64::saturating_add);
    if rcu > 0
        && let Some(tally) = tallies.of(Finding::MutexAcrossRcu, side.module.as_deref(), "unwatched")
    {
        tally.add(Sum::Loads, 1);
        tally.add(Sum::RcuTime, rcu);
        tally.attempts.add(side.id.0);
    }
}

fn overlap(a: Span, b: Span) -> u64 {
    let (Some(a_end), Some(b_end)) = (a.end, b.end) else {
        return 0;
    };
    a_end.min(b_end).since(a.start.max(b.start)).0
}
