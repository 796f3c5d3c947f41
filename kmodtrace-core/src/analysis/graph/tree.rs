//! Who waits for whom right now, as a tree: waiters below the one that they wait for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::cycle::Cycle;
use super::deadlock::knots;
use super::edges::owner;
use super::node::{EdgeKind, Key, Node, Nodes, On};
use crate::analysis::stages::stages_until;
use crate::model::{AttemptId, Ktime, Request, Stage};
use crate::session::InFlight;

/// Rows at most; of more nobody reads the end.
const ROWS: usize = 4_096;

/// Waiters below whom or what they wait for.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// From the top, each owner followed by those who wait for it.
    pub rows: Vec<TreeRow>,
    /// Rows that there is no room for.
    pub more: usize,
    /// Attempts and requests in flight that wait for nobody, and nobody for them.
    pub alone: usize,
    /// Deadlocks that last.
    pub deadlocks: Vec<Cycle>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRow {
    /// For each level above, and for its own: whether more rows of that level follow.
    pub more: Vec<bool>,
    /// The number of the attempt.
    pub attempt: Option<u64>,
    /// The number of the request.
    pub request: Option<u64>,
    /// The module, what is requested, or what is waited for where that is nobody's: `50 slots`, `RCU grace period`.
    pub name: String,
    /// The task; none for what is nobody's.
    pub task: Option<(u32, String)>,
    /// What the attempt is about.
    pub stage: Option<Stage>,
    /// The wait in which it is, and for how long, in nanoseconds.
    pub waits: Option<(EdgeKind, u64)>,
    /// It waits in the end for itself.
    pub in_cycle: bool,
    /// It stands further up, with what is below it.
    pub again: bool,
}

/// An owner: one in flight, or what is nobody's, in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Named(String),
    Key(Key),
}

impl Tree {
    /// Of what is in flight at this instant.
    pub fn new<'s>(
        now: Ktime,
        attempts: impl Iterator<Item = InFlight<'s>>,
        requests: impl Iterator<Item = &'s Request>,
    ) -> Self {
        let attempts: Vec<InFlight<'_>> = attempts.collect();
        let stage = |one: &InFlight<'_>| Some((one.attempt.id, stages_until(one.attempt, now).pop()?.stage));
        let stages = attempts.iter().filter_map(stage).collect();
        let nodes = in_flight(attempts.into_iter(), requests);
        let keys: Vec<Key> = nodes.iter().map(|node| node.key).collect();
        let found = knots(&nodes, keys.iter().copied(), Ktime(u64::MAX));
        let in_cycle = found.iter().flat_map(|knot| knot.edges.keys().copied()).collect();
        let deadlocks = found.iter().filter_map(|knot| Cycle::new(&nodes, knot)).collect();
        let mut grow = Grow {
            now,
            nodes: &nodes,
            stages,
            below: BTreeMap::new(),
            in_cycle,
            placed: BTreeSet::new(),
            tree: Self {
                deadlocks,
                ..Self::default()
            },
        };
        grow.all(&keys);
        grow.tree
    }
}

/// Deadlocks among what is in flight.
pub(crate) fn lasting<'s>(
    attempts: impl Iterator<Item = InFlight<'s>>,
    requests: impl Iterator<Item = &'s Request>,
) -> Vec<Cycle> {
    let nodes = in_flight(attempts, requests);
    let keys: Vec<Key> = nodes.iter().map(|node| node.key).collect();
    let found = knots(&nodes, keys.into_iter(), Ktime(u64::MAX));
    found.iter().filter_map(|knot| Cycle::new(&nodes, knot)).collect()
}

fn in_flight<'s>(attempts: impl Iterator<Item = InFlight<'s>>, requests: impl Iterator<Item = &'s Request>) -> Nodes {
    let attempts = attempts.map(|one| Node::in_flight(one.attempt, one.waits.as_ref()));
    let mut all: Vec<Node> = attempts
        .chain(requests.map(|request| Node::request(request, true)))
        .collect();
    all.sort_by_key(|node| node.key);
    let mut nodes = Nodes::default();
    for node in all {
        nodes.add(node, usize::MAX);
    }
    nodes
}

struct Grow<'n> {
    now: Ktime,
    nodes: &'n Nodes,
    stages: HashMap<AttemptId, Stage>,
    below: BTreeMap<Owner, Vec<Key>>,
    in_cycle: BTreeSet<Key>,
    placed: BTreeSet<Key>,
    tree: Tree,
}

impl Grow<'_> {
    fn all(&mut self, keys: &[Key]) {
        let mut owned = BTreeSet::new();
        for key in keys {
            if let Some(owner) = self.nodes.get(*key).and_then(|node| self.owner(node)) {
                owned.insert(*key);
                self.below.entry(owner).or_default().push(*key);
            }
        }
        let named: Vec<Owner> = self
            .below
            .keys()
            .filter(|owner| matches!(owner, Owner::Named(_)))
            .cloned()
            .collect();
        let tops = keys
            .iter()
            .filter(|key| !owned.contains(key))
            .map(|key| Owner::Key(*key));
        let tops: Vec<Owner> = named.into_iter().chain(tops).collect();
        let (tops, alone): (Vec<Owner>, Vec<Owner>) = tops.into_iter().partition(|top| self.below.contains_key(top));
        self.tree.alone = alone.len();
        for top in tops {
            self.place(top);
        }
        // Who waits in a circle is below nobody who does not.
        for key in keys {
            if owned.contains(key) && !self.placed.contains(key) {
                self.place(Owner::Key(*key));
            }
        }
    }

    /// For whom it waits. Of several the first that is in flight.
    fn owner(&self, node: &Node) -> Option<Owner> {
        let block = node.block_at(Ktime(u64::MAX))?;
        let known = match &block.on {
            On::These(keys) => keys.iter().find(|key| self.nodes.get(**key).is_some()),
            On::Slot | On::Nobody => None,
        };
        Some(match (known, &block.owner) {
            (Some(key), _) => Owner::Key(*key),
            // Whom it waits for has returned, and it was not woken yet.
            (None, Some((tid, comm))) => Owner::Named(format!("tid {} ({comm})", tid.0)),
            (None, None) => Owner::Named(owner(node, block).into()),
        })
    }

    /// Places an owner and all that is below it. A stack and no recursion: chains can be long.
    fn place(&mut self, top: Owner) {
        let mut todo = vec![(top, Vec::new())];
        while let Some((owner, more)) = todo.pop() {
            let again = matches!(&owner, Owner::Key(key) if !self.placed.insert(*key));
            let below = if again {
                &[]
            } else {
                self.below.get(&owner).map_or(&[][..], Vec::as_slice)
            };
            let last = below.len().saturating_sub(1);
            for (at, key) in below.iter().enumerate().rev() {
                // What is only counted needs no place, and lines of a long chain add up.
                let more = match self.tree.rows.len() {
                    ..ROWS => more.iter().copied().chain([at < last]).collect(),
                    _ => Vec::new(),
                };
                todo.push((Owner::Key(*key), more));
            }
            if self.tree.rows.len() < ROWS {
                let row = self.row(&owner, more, again);
                self.tree.rows.push(row);
            } else {
                self.tree.more += 1;
            }
        }
    }

    fn row(&self, owner: &Owner, more: Vec<bool>, again: bool) -> TreeRow {
        let key = match owner {
            Owner::Key(key) => Some(*key),
            Owner::Named(_) => None,
        };
        let node = key.and_then(|key| self.nodes.get(key));
        let (attempt, request) = match key {
            Some(Key::Attempt(id)) => (Some(id), None),
            Some(Key::Request(id)) => (None, Some(id)),
            None => (None, None),
        };
        let waits = node.and_then(|node| node.block_at(Ktime(u64::MAX)));
        TreeRow {
            more,
            attempt: attempt.map(|id| id.0),
            request: request.map(|id| id.0),
            name: match owner {
                Owner::Named(name) => name.clone(),
                Owner::Key(_) => node
                    .and_then(|node| node.name.as_deref())
                    .unwrap_or("(unknown)")
                    .to_owned(),
            },
            task: node.map(|node| (node.tid.0, node.comm.clone().into())),
            stage: attempt.and_then(|id| self.stages.get(&id).copied()),
            waits: waits.map(|block| (block.kind, self.now.since(block.span.start).0)),
            in_cycle: key.is_some_and(|key| self.in_cycle.contains(&key)),
            again,
        }
    }
}
