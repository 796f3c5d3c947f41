//! Nodes: attempts and requests, reduced to when they slept and what for.

use std::cell::LazyCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::stages::each_stage;
use crate::model::{
    Attempt, AttemptId, ByNumber, Errno, Ktime, Name, Nanos, Note, Request, RequestId, Role, Span, Stage, Tid, Wait,
    WaitKind,
};

/// What stands at an end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// An attempt.
    Attempt(AttemptId),
    /// A request.
    Request(RequestId),
}

/// What an edge is: a kind of wait, or a part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// The same inode.
    SameInode,
    /// The same name.
    SameName,
    /// A module that exports a symbol.
    Dependency,
    /// `module_mutex`.
    Mutex,
    /// A grace period of RCU.
    Rcu,
    /// All asynchronous work.
    Async,
    /// A request made inside an attempt.
    Request,
    /// A request that waits for one of the slots.
    Slot,
    /// A request that waits for its helper.
    Helper,
}

impl EdgeKind {
    /// As reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SameInode => WaitKind::SameInode.name(),
            Self::SameName => WaitKind::SameName.name(),
            Self::Dependency => WaitKind::Dependency.name(),
            Self::Mutex => WaitKind::Mutex.name(),
            Self::Rcu => WaitKind::Rcu.name(),
            Self::Async => WaitKind::Async.name(),
            Self::Request => WaitKind::Request.name(),
            Self::Slot => "slot",
            Self::Helper => "helper",
        }
    }
}

impl From<WaitKind> for EdgeKind {
    fn from(kind: WaitKind) -> Self {
        match kind {
            WaitKind::SameInode => Self::SameInode,
            WaitKind::SameName => Self::SameName,
            WaitKind::Dependency => Self::Dependency,
            WaitKind::Mutex => Self::Mutex,
            WaitKind::Rcu => Self::Rcu,
            WaitKind::Async => Self::Async,
            WaitKind::Request => Self::Request,
        }
    }
}

/// What a sleeper waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// These, as far as they are in flight: all of them have to get on.
    These(Arc<[Key]>),
    /// One of the slots: it is enough that one of those who hold them gets on.
    Slot,
    /// Somebody who is not known, or nobody.
    Nobody,
}

/// Whether it lasted just before this instant. [`Ktime`]'s maximum is after all events: what has no end lasts.
pub(super) fn covers(span: Span, at: Ktime) -> bool {
    span.start < at && span.end.is_none_or(|end| at <= end)
}

/// A span in which a node slept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) kind: EdgeKind,
    pub(crate) span: Span,
    pub(crate) on: On,
    /// The module that is waited for, where it is not the node's own; the name of a request.
    pub(crate) module: Option<Name>,
    /// The owner in words, where one was seen.
    pub(crate) owner: Option<(Tid, Name)>,
    /// How it ended, where the wait itself says so.
    pub(crate) errno: Option<Errno>,
}

impl Block {
    /// Whether both lasted at some instant.
    pub(crate) fn meets(&self, span: Span) -> bool {
        let end = |span: Span| span.end.unwrap_or(Ktime(u64::MAX));
        self.span.start < end(span) && span.start < end(self.span)
    }
}

/// An attempt or a request.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) key: Key,
    pub(crate) tid: Tid,
    pub(crate) comm: Name,
    /// The module, or what is requested.
    pub(crate) name: Option<Name>,
    /// Why and when it slept, in order.
    pub(crate) blocks: Vec<Block>,
    /// What came of it; none while it lasts.
    pub(crate) result: Option<Errno>,
    /// For a request: when it had a slot.
    pub(crate) holds: Option<Span>,
    /// For a request by a kworker: its work function.
    pub(crate) work: Option<String>,
    /// For a request: the attempt that it was made in.
    pub(crate) inside: Option<AttemptId>,
    /// For an attempt: the request whose helper makes it.
    pub(crate) request: Option<RequestId>,
    /// For an attempt that returned and that others may have waited for: its stages in order, when each began and how long it was.
    pub(crate) stages: Vec<(Ktime, Nanos, Stage)>,
}

impl Node {
    /// An attempt that was handed out.
    pub(crate) fn attempt(attempt: &Attempt) -> Self {
        let lasts = attempt.notes.contains(&Note::InFlight);
        let waits = attempt.waits.iter().filter(|wait| lasts || wait.span.end.is_some());
        let others_wait = !matches!(attempt.role, Some(Role::Follower | Role::Refused));
        Self {
            stages: if others_wait { merged(attempt) } else { Vec::new() },
            ..Self::of_attempt(attempt, waits)
        }
    }

    /// An attempt in flight, and the wait that it is in.
    pub(crate) fn in_flight(attempt: &Attempt, pending: Option<&Wait>) -> Self {
        Self::of_attempt(attempt, pending.into_iter())
    }

    fn of_attempt<'a>(attempt: &Attempt, waits: impl Iterator<Item = &'a Wait>) -> Self {
        // One list for all of them: an init function can make any number of requests, one after the other.
        let requests = LazyCell::new(|| -> Arc<[Key]> { attempt.requests.iter().copied().map(Key::Request).collect() });
        let blocks = waits.map(|wait| Block {
            kind: wait.kind.into(),
            span: wait.span,
            on: match (wait.kind, &wait.on) {
                (WaitKind::Request, _) => On::These(Arc::clone(&requests)),
                (_, Some(on)) => On::These(Arc::new([Key::Attempt(on.attempt)])),
                (_, None) => On::Nobody,
            },
            module: wait.module.clone(),
            owner: wait.on.as_ref().map(|on| (on.tid, on.comm.clone())),
            errno: None,
        });
        Self {
            key: Key::Attempt(attempt.id),
            tid: attempt.tid,
            comm: attempt.comm.clone(),
            name: attempt.module.clone(),
            blocks: blocks.collect(),
            result: attempt.errno,
            holds: None,
            work: None,
            inside: None,
            request: attempt.request,
            stages: Vec::new(),
        }
    }

    /// A request that was handed out, or one in flight.
    pub(crate) fn request(request: &Request, in_flight: bool) -> Self {
        let lasts = in_flight || request.notes.contains(&Note::InFlight);
        let block = |kind, span, on, errno| Block {
            kind,
            span,
            on,
            module: None,
            owner: None,
            errno,
        };
        let slot = request.slot.map(|slot| {
            let errno = slot.errno;
            block(EdgeKind::Slot, slot.span, On::Slot, errno)
        });
        // A requester that does not wait returns as soon as the helper is queued.
        let helper = request.helper.as_ref().map(|helper| {
            let attempts = helper.attempts.iter().copied().map(Key::Attempt).collect();
            block(EdgeKind::Helper, helper.span, On::These(attempts), None)
        });
        let blocks = slot.into_iter().chain(helper);
        Self {
            key: Key::Request(request.id),
            tid: request.tid,
            comm: request.comm.clone(),
            name: Some(request.name.clone()),
            blocks: blocks.filter(|block| lasts || block.span.end.is_some()).collect(),
            result: request.ret.map(Errno::from_ret),
            holds: request
                .granted
                .filter(|_| lasts || request.end.is_some())
                .map(|start| Span {
                    start,
                    end: request.end,
                }),
            work: request.work.clone(),
            inside: request.inside,
            request: None,
            stages: Vec::new(),
        }
    }

    /// The wait in which it was just before this instant.
    pub(crate) fn block_at(&self, at: Ktime) -> Option<&Block> {
        // Waits may nest, as a grace period in the wait for something else: the innermost began last.
        let open = self.blocks.iter().filter(|block| covers(block.span, at));
        open.max_by_key(|block| block.span.start)
    }

    /// What is looked at to tell for whom it waits.
    pub(super) fn size(&self) -> usize {
        1 + self.blocks.len() + self.waits_for().count()
    }

    /// Whom it ever waited for; one that it waited for twice may be there twice.
    fn waits_for(&self) -> impl Iterator<Item = Key> {
        let lists = self.blocks.iter().filter_map(|block| match &block.on {
            On::These(keys) => Some(keys),
            On::Slot | On::Nobody => None,
        });
        // The waits for its requests share a list.
        let mut last = None;
        let lists = lists.filter(move |keys| last.replace(Arc::as_ptr(keys)) != Some(Arc::as_ptr(keys)));
        lists.flat_map(|keys| keys.iter().copied())
    }

    fn waits_for_slot(&self) -> bool {
        self.blocks.iter().any(|block| block.on == On::Slot)
    }

    /// The wait that ended at this instant, or lasts when it is the maximum.
    pub(crate) fn ended_at(&self, at: Ktime) -> Option<&Block> {
        let end = Some(at).filter(|at| *at != Ktime(u64::MAX));
        self.blocks.iter().find(|block| block.span.end == end)
    }

    /// The stage in which it was for most of this span.
    pub(crate) fn stage_in(&self, from: Ktime, to: Ktime) -> Option<Stage> {
        let mut times: BTreeMap<Stage, u64> = BTreeMap::new();
        for (start, long, stage) in &self.stages {
            let end = Ktime(start.0.saturating_add(long.0)).min(to);
            *times.entry(*stage).or_default() += end.since(from.max(*start)).0;
        }
        let (stage, most) = times.into_iter().max_by_key(|(_, time)| *time)?;
        (most > 0).then_some(stage)
    }
}

/// The pieces of an attempt, those of one stage that follow one another as one.
fn merged(attempt: &Attempt) -> Vec<(Ktime, Nanos, Stage)> {
    let mut runs: Vec<(Ktime, Nanos, Stage)> = Vec::new();
    each_stage(attempt, |piece| match runs.last_mut() {
        Some((_, long, stage)) if *stage == piece.stage => long.0 = long.0.saturating_add(piece.duration.0),
        _ => runs.push((piece.start, piece.duration, piece.stage)),
    });
    runs
}

/// Nodes by their keys, the oldest of them forgotten when there are too many.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    by_key: ByNumber<Key, Box<Node>>,
    order: VecDeque<Key>,
    /// Those that ever held a slot, and when, in order.
    holders: VecDeque<(Key, Span)>,
    /// Those that ever waited for one, in order.
    slot_waiters: VecDeque<Key>,
    /// Those that ever waited for a node, in order.
    waiters: ByNumber<Key, VecDeque<Key>>,
}

impl Nodes {
    /// Adds one, and hands out the oldest when there are more than so many.
    pub(crate) fn add(&mut self, node: Node, most: usize) -> Option<Box<Node>> {
        let key = node.key;
        self.holders.extend(node.holds.map(|held| (key, held)));
        if node.waits_for_slot() {
            self.slot_waiters.push_back(key);
        }
        for on in node.waits_for() {
            let waiters = self.waiters.entry(on).or_default();
            if waiters.back() != Some(&key) {
                waiters.push_back(key);
            }
        }
        if self.by_key.insert(key, Box::new(node)).is_none() {
            self.order.push_back(key);
        }
        let oldest = (self.order.len() > most).then(|| self.order.pop_front()).flatten()?;
        self.holders.pop_front_if(|(key, _)| *key == oldest);
        self.slot_waiters.pop_front_if(|key| *key == oldest);
        let oldest = self.by_key.remove(&oldest)?;
        for on in oldest.waits_for() {
            if let Some(waiters) = self.waiters.get_mut(&on) {
                waiters.pop_front_if(|key| *key == oldest.key);
                if waiters.is_empty() {
                    self.waiters.remove(&on);
                }
            }
        }
        Some(oldest)
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Node> {
        self.by_key.get(&key).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Node> {
        self.by_key.get_mut(&key).map(Box::as_mut)
    }

    /// In the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.order.iter().filter_map(|key| self.get(*key))
    }

    /// Requests that ever held a slot, and when.
    pub(crate) fn holders(&self) -> impl Iterator<Item = (Key, Span)> {
        self.holders.iter().copied()
    }

    /// Requests that ever waited for a slot.
    pub(crate) fn slot_waiters(&self) -> impl Iterator<Item = Key> {
        self.slot_waiters.iter().copied()
    }

    /// Those that ever waited for this one.
    pub(crate) fn waiters(&self, key: Key) -> impl Iterator<Item = Key> {
        self.waiters.get(&key).into_iter().flatten().copied()
    }
}
