//! What only two attempts together show: a waiter and its owner, handed out in either order.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::finding::Name;
use super::tally::Tallies;
use crate::attempt::{Attempt, AttemptId, Span, WaitKind};
use crate::errno::Errno;

/// Attempts remembered. A waiter and its owner return shortly after one another.
const REMEMBERED: usize = 4_096;

/// What is remembered of an attempt.
#[derive(Clone, Debug, Default)]
struct Side {
    id: AttemptId,
    module: Option<String>,
    args_len: Option<u32>,
    /// It loaded, for all who wait.
    ok: bool,
    /// Its waits for others.
    waits: Vec<(WaitKind, AttemptId, Span)>,
    /// Its grace periods, where it failed or unloads.
    rcu: Vec<Span>,
}

/// The last attempts that waited, or that others may have waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    sides: HashMap<AttemptId, Side>,
    order: VecDeque<AttemptId>,
    /// Who waited for an attempt that has not been handed out.
    waiters: HashMap<AttemptId, Vec<AttemptId>>,
    /// Some wait for the mutex was seen: then they are watched.
    mutex_watched: bool,
}

impl Pairs {
    /// Takes an attempt, and counts what it and those before it show.
    pub(super) fn add(&mut self, attempt: &Attempt, tallies: &mut Tallies) {
        let side = Side::of(attempt);
        self.mutex_watched |= attempt.waits.iter().any(|wait| wait.kind == WaitKind::Mutex);
        let owners: BTreeSet<AttemptId> = side.waits.iter().map(|(_, owner, _)| *owner).collect();
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

    fn remember(&mut self, side: Side) {
        self.order.push_back(side.id);
        self.sides.insert(side.id, side);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
            && let Some(oldest) = self.sides.remove(&oldest)
        {
            // An owner that has not come by now will not come.
            for (_, owner, _) in &oldest.waits {
                self.waiters.remove(owner);
            }
        }
    }
}

impl Side {
    fn of(attempt: &Attempt) -> Self {
        let on = |wait: &crate::attempt::Wait| Some((wait.kind, wait.on.as_ref()?.attempt, wait.span));
        let rcu = attempt.waits.iter().filter(|wait| wait.kind == WaitKind::Rcu);
        let clears_up = attempt.failed() || attempt.is_unload();
        Self {
            id: attempt.id,
            module: attempt.module.clone(),
            args_len: attempt.args_len,
            ok: attempt.errno == Some(Errno::OK),
            waits: attempt.waits.iter().filter_map(on).collect(),
            rcu: rcu.filter(|_| clears_up).map(|wait| wait.span).collect(),
        }
    }
}

/// Each wait of the one for the other.
fn judge(waiter: &Side, owner: &Side, tallies: &mut Tallies) {
    let module = owner.module.as_deref();
    for (kind, _, span) in waiter.waits.iter().filter(|(_, on, _)| *on == owner.id) {
        match kind {
            WaitKind::SameInode => shared(waiter, owner, tallies),
            WaitKind::Mutex => {
                let overlap = owner
                    .rcu
                    .iter()
                    .map(|rcu| overlap(*rcu, *span))
                    .fold(0, u64::saturating_add);
                if overlap > 0
                    && let Some(tally) = tallies.of(Name::MutexAcrossRcu, module, "watched")
                {
                    tally.add("waits", 1);
                    tally.add("waited_ns", overlap);
                    tally.attempts.add(waiter.id.0);
                }
            }
            _ => {}
        }
    }
}

/// Who shares a load shares its arguments. Only their lengths are known: of equal lengths nothing is said.
fn shared(waiter: &Side, owner: &Side, tallies: &mut Tallies) {
    let (Some(own), Some(others)) = (waiter.args_len, owner.args_len) else {
        return;
    };
    if waiter.ok
        && own > 0
        && own != others
        && let Some(tally) = tallies.of(Name::ParametersIgnored, waiter.module.as_deref(), "shared")
    {
        tally.add("times", 1);
        tally.attempts.add(waiter.id.0);
    }
}

/// Grace periods of a failed load, in case nobody watches the mutex.
fn unwatched(side: &Side, tallies: &mut Tallies) {
    let rcu = side.rcu.iter().filter_map(|span| span.duration()).map(|long| long.0);
    let rcu = rcu.fold(0, u64::saturating_add);
    if rcu > 0
        && let Some(tally) = tallies.of(Name::MutexAcrossRcu, side.module.as_deref(), "unwatched")
    {
        tally.add("loads", 1);
        tally.add("rcu_ns", rcu);
        tally.attempts.add(side.id.0);
    }
}

fn overlap(a: Span, b: Span) -> u64 {
    let (Some(a_end), Some(b_end)) = (a.end, b.end) else {
        return 0;
    };
    a_end.min(b_end).since(a.start.max(b.start)).0
}
