//! Pile-ups: many who wait for one attempt, or for a slot, at the same time.

use std::collections::{BTreeMap, VecDeque};

use schemars::JsonSchema;
use serde::Serialize;

use super::node::{EdgeKind, Key, Node, Nodes, On};
use crate::model::{AttemptId, ByNumber, Ktime, Name, Nanos, SLOTS, Span, Stage};
use crate::text::span_text;

/// Waiters at a time that are many: a task for every CPU of a small machine. A pair that meets is no pile-up.
pub const MANY: usize = 8;
/// Pile-ups that are kept: those with most time.
const KEPT: usize = 32;
/// Owners whose waiters are counted at a time; the oldest is settled when there are more.
const OWNERS: usize = 1_024;
/// Waits remembered for all owners together, 1.5 MiB.
const WAITS: usize = 65_536;
/// Waiters that a pile-up names.
const NAMED: usize = 8;

/// For whom a pile waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Attempt(AttemptId),
    Slots,
}

/// Many waited for one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PileUp {
    /// The attempt that they waited for; null for the slots of `__request_module`.
    pub owner: Option<u64>,
    /// Its task.
    pub owner_tid: Option<u32>,
    /// That task's name.
    pub owner_comm: Option<String>,
    /// The module.
    pub module: Option<String>,
    /// What the owner did for most of the time in which they waited; null where that was not seen.
    pub stage: Option<Stage>,
    /// How they waited for most of the time.
    pub kind: EdgeKind,
    /// How many at a time.
    pub most: usize,
    /// How many in all.
    pub waiters: u64,
    /// How long in all, those who still wait not counted.
    pub total_ns: u64,
    /// When most of them waited, nanoseconds of `CLOCK_MONOTONIC`.
    pub at_ns: u64,
    /// Some of the waiters: attempts, or requests when it was for a slot.
    pub some: Vec<u64>,
}

impl PileUp {
    /// In words.
    pub fn text(&self) -> String {
        let module = self.module.as_deref().unwrap_or("(unknown)");
        let total = span_text(self.total_ns);
        let many = |who| match self.waiters {
            waiters if waiters == self.most as u64 => format!("{} {who} at a time", self.most),
            waiters => format!("{} of {waiters} {who} at a time", self.most),
        };
        let Some(tid) = self.owner_tid else {
            return format!(
                "{} waited {total} in all for one of the {SLOTS} slots",
                many("requests")
            );
        };
        let comm = self.owner_comm.as_deref().unwrap_or("-");
        let stage = self
            .stage
            .map_or_else(String::new, |stage| format!(", mostly in its stage {}", stage.name()));
        format!(
            "{} waited {total} in all ({}) for the load of {module} by tid {tid} ({comm}){stage}",
            many("tasks"),
            self.kind.name()
        )
    }
}

/// Those who waited for one owner.
#[derive(Debug, Default)]
struct Pile {
    spans: Vec<Span>,
    /// Attempts or requests that waited, and the last of them: it may have waited more than once.
    count: u64,
    last: Option<Key>,
    total: u64,
    /// How long, by kind of wait.
    kinds: BTreeMap<EdgeKind, u64>,
    tid: u32,
    comm: Name,
    module: Option<Name>,
    some: Vec<u64>,
}

/// Piles while they grow, and the greatest of the others.
#[derive(Debug, Default)]
pub(super) struct Piles {
    open: ByNumber<Owner, Pile>,
    order: VecDeque<Owner>,
    spans: usize,
    settled: Vec<PileUp>,
}

impl Piles {
    /// Adds the waits of an attempt or a request that was handed out.
    pub(super) fn add(&mut self, node: &Node, nodes: &Nodes) {
        for block in &node.blocks {
            let owner = match (&block.on, block.kind) {
                (On::Slot, _) => Owner::Slots,
                // One waits for its own request and its own helper: nobody else does.
                (_, EdgeKind::Request | EdgeKind::Helper) | (On::Nobody, _) => continue,
                (On::These(keys), _) => match **keys {
                    [Key::Attempt(id)] => Owner::Attempt(id),
                    _ => continue,
                },
            };
            if !self.open.contains_key(&owner) {
                self.order.push_back(owner);
            }
            let pile = self.open.entry(owner).or_default();
            let long = block.span.duration().unwrap_or_default().0;
            pile.total = pile.total.saturating_add(long);
            let of_kind = pile.kinds.entry(block.kind).or_default();
            *of_kind = of_kind.saturating_add(long);
            if let Some((tid, comm)) = &block.owner {
                pile.tid = tid.0;
                pile.comm.clone_from(comm);
            }
            if pile.module.is_none() {
                pile.module = block.module.clone().or_else(|| node.name.clone());
            }
            if pile.last != Some(node.key) {
                pile.last = Some(node.key);
                pile.count += 1;
                if pile.some.len() < NAMED {
                    pile.some.push(match node.key {
                        Key::Attempt(id) => id.0,
                        Key::Request(id) => id.0,
                    });
                }
            }
            pile.spans.push(block.span);
            self.spans += 1;
            while self.open.len() > OWNERS || self.spans > WAITS {
                if !self.settle_oldest(nodes) {
                    break;
                }
            }
        }
    }

    fn settle_oldest(&mut self, nodes: &Nodes) -> bool {
        let Some(owner) = self.order.pop_front() else {
            return false;
        };
        if let Some(pile) = self.open.remove(&owner) {
            self.spans = self.spans.saturating_sub(pile.spans.len());
            self.settled.extend(pile.judge(owner, nodes));
            // Sorted only now and then: twice as many as are kept may gather.
            if self.settled.len() > 2 * KEPT {
                keep_greatest(&mut self.settled);
            }
        }
        true
    }

    /// Those that have been, and those that still grow, the greatest first.
    pub(super) fn all(&self, nodes: &Nodes) -> Vec<PileUp> {
        let open = self
            .order
            .iter()
            .filter_map(|owner| self.open.get(owner)?.judge(*owner, nodes));
        let mut all: Vec<PileUp> = self.settled.iter().cloned().chain(open).collect();
        keep_greatest(&mut all);
        all
    }
}

fn keep_greatest(piles: &mut Vec<PileUp>) {
    piles.sort_by_key(|pile| (std::cmp::Reverse((pile.total_ns, pile.waiters)), pile.at_ns, pile.owner));
    piles.truncate(KEPT);
}

impl Pile {
    /// A pile-up, if there were many at a time.
    fn judge(&self, owner: Owner, nodes: &Nodes) -> Option<PileUp> {
        let (most, at) = most_at_a_time(&self.spans);
        if most < MANY {
            return None;
        }
        let from = self.spans.iter().map(|span| span.start).min()?;
        let to = self
            .spans
            .iter()
            .filter_map(|span| span.end)
            .max()
            .unwrap_or(Ktime(u64::MAX));
        let attempt = match owner {
            Owner::Attempt(id) => Some(id),
            Owner::Slots => None,
        };
        let node = attempt.and_then(|id| nodes.get(Key::Attempt(id)));
        Some(PileUp {
            owner: attempt.map(|id| id.0),
            owner_tid: attempt.map(|_| self.tid),
            owner_comm: attempt.map(|_| self.comm.clone().into()),
            module: attempt
                .and_then(|_| node.and_then(|node| node.name.clone()).or_else(|| self.module.clone()))
                .map(Into::into),
            stage: node.and_then(|node| node.stage_in(from, to)),
            kind: *self.kinds.iter().max_by_key(|(_, long)| **long)?.0,
            most,
            waiters: self.count,
            total_ns: self.total,
            at_ns: at.0,
            some: self.some.clone(),
        })
    }
}

/// How many of these lasted at once at the most, and when that began.
fn most_at_a_time(spans: &[Span]) -> (usize, Ktime) {
    let mut edges: Vec<(Ktime, bool)> = Vec::with_capacity(2 * spans.len());
    for span in spans {
        if span.duration() == Some(Nanos(0)) {
            continue;
        }
        edges.push((span.start, true));
        edges.extend(span.end.map(|end| (end, false)));
    }
    // What ends at an instant is over before what begins at it.
    edges.sort_unstable();
    let (mut now, mut most, mut at) = (0_usize, 0, Ktime(0));
    for (time, begins) in edges {
        if begins {
            now += 1;
            if now > most {
                (most, at) = (now, time);
            }
        } else {
            now = now.saturating_sub(1);
        }
    }
    (most, at)
}
