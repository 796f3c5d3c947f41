//! Who is stuck at an instant, and which of them in a cycle.
//!
//! A sleeper is stuck when what it waits for is. The wait for a slot is the exception: one of the [`SLOTS`] holders that
//! gets on is enough, so all of them must be stuck, and all of them must be known.

use std::collections::{BTreeMap, BTreeSet};

use super::node::{Block, EdgeKind, Key, Node, Nodes, On};
use crate::model::{Ktime, SLOTS, Span};

/// Who waits for whom among those who are stuck.
type Edges = BTreeMap<Key, Vec<Key>>;

/// A set of nodes each of which waits, in the end, for every other.
#[derive(Clone, Debug)]
pub(crate) struct Knot {
    /// Its members, and whom of the members each waits for.
    pub(crate) edges: Edges,
    /// Those who wait for it from outside.
    pub(crate) outside: usize,
    /// The instant, the maximum for what lasts.
    pub(crate) at: Ktime,
}

/// What is reached from this wait over waits that it overlaps with. None unless its own node is.
pub(super) fn closure(nodes: &Nodes, node: &Node, block: &Block) -> Option<BTreeSet<Key>> {
    let mut reached = BTreeSet::new();
    let mut todo = successors(nodes, block, block.span);
    while let Some(key) = todo.pop() {
        if !reached.insert(key) || key == node.key {
            continue;
        }
        let blocks = nodes.get(key).into_iter().flat_map(|node| &node.blocks);
        for next in blocks.filter(|next| next.meets(block.span)) {
            todo.extend(successors(nodes, next, block.span));
        }
    }
    reached.contains(&node.key).then_some(reached)
}

fn successors(nodes: &Nodes, block: &Block, span: Span) -> Vec<Key> {
    match &block.on {
        On::These(keys) => keys.clone(),
        On::Slot => {
            let end = span.end.unwrap_or(Ktime(u64::MAX));
            let held = nodes.holders().filter(|holder| {
                holder
                    .holds
                    .is_some_and(|held| held.start < end && held.end.is_none_or(|end| span.start < end))
            });
            held.map(|holder| holder.key).collect()
        }
        On::Nobody => Vec::new(),
    }
}

/// The knots among these nodes just before this instant.
pub(crate) fn knots(nodes: &Nodes, among: impl Iterator<Item = Key>, at: Ktime) -> Vec<Knot> {
    let edges = stuck(nodes, among, at);
    let mut knots: Vec<Knot> = components(&edges)
        .into_iter()
        .filter(|members| members.len() > 1)
        .map(|members| Knot {
            edges: within(&edges, &members),
            outside: 0,
            at,
        })
        .collect();
    let inside: usize = knots.iter().map(|knot| knot.edges.len()).sum();
    // With several knots nobody can say which of them one waits for; there is one, but for the strangest of days.
    if let [knot] = knots.as_mut_slice() {
        knot.outside = edges.len().saturating_sub(inside);
    }
    knots
}

/// Those who are stuck, and whom of the stuck they wait for.
fn stuck(nodes: &Nodes, among: impl Iterator<Item = Key>, at: Ktime) -> Edges {
    let holders: Vec<Key> = nodes
        .holders()
        .filter(|node| node.holds_slot(at))
        .map(|node| node.key)
        .collect();
    let mut edges = Edges::new();
    let mut needs_all = BTreeSet::new();
    for key in among {
        match nodes.get(key).and_then(|node| node.block_at(at)).map(|block| &block.on) {
            Some(On::These(keys)) => drop(edges.insert(key, keys.clone())),
            Some(On::Slot) if holders.len() >= SLOTS => {
                needs_all.insert(key);
                edges.insert(key, holders.clone());
            }
            _ => {}
        }
    }
    loop {
        let moves = |key: &Key, on: &[Key]| {
            let stuck = |on: &Key| edges.contains_key(on);
            if needs_all.contains(key) {
                !on.iter().all(stuck)
            } else {
                !on.iter().any(stuck)
            }
        };
        let free: Vec<Key> = edges
            .iter()
            .filter(|(key, on)| moves(key, on))
            .map(|(key, _)| *key)
            .collect();
        if free.is_empty() {
            break;
        }
        for key in free {
            edges.remove(&key);
        }
    }
    let stuck: BTreeSet<Key> = edges.keys().copied().collect();
    within(&edges, &stuck)
}

fn within(edges: &Edges, members: &BTreeSet<Key>) -> Edges {
    let own = edges.iter().filter(|(key, _)| members.contains(key));
    own.map(|(key, on)| (*key, on.iter().filter(|on| members.contains(on)).copied().collect()))
        .collect()
}

/// Strongly connected components, after Kosaraju: no recursion, chains can be long.
fn components(edges: &Edges) -> Vec<BTreeSet<Key>> {
    let mut back = Edges::new();
    for (key, on) in edges {
        for on in on {
            back.entry(*on).or_default().push(*key);
        }
    }
    let mut finished = Vec::new();
    let mut seen = BTreeSet::new();
    for root in edges.keys() {
        let mut todo = vec![(*root, false)];
        while let Some((key, left)) = todo.pop() {
            if left {
                finished.push(key);
            } else if seen.insert(key) {
                todo.push((key, true));
                todo.extend(edges.get(&key).into_iter().flatten().map(|on| (*on, false)));
            }
        }
    }
    let mut taken = BTreeSet::new();
    let mut components = Vec::new();
    for root in finished.into_iter().rev() {
        let mut members = BTreeSet::new();
        let mut todo = vec![root];
        while let Some(key) = todo.pop() {
            if taken.insert(key) {
                members.insert(key);
                todo.extend(back.get(&key).into_iter().flatten());
            }
        }
        components.push(members);
    }
    components
}

impl Knot {
    /// A shortest way from this member back to itself.
    pub(crate) fn way(&self, from: Key) -> Vec<Key> {
        let mut before: BTreeMap<Key, Key> = BTreeMap::new();
        let mut todo = std::collections::VecDeque::from([from]);
        while let Some(key) = todo.pop_front() {
            for on in self.edges.get(&key).into_iter().flatten() {
                if before.contains_key(on) {
                    continue;
                }
                before.insert(*on, key);
                if *on == from {
                    break;
                }
                todo.push_back(*on);
            }
        }
        let mut way = Vec::new();
        let mut at = from;
        while let Some(key) = before.get(&at).filter(|_| way.len() < self.edges.len()) {
            way.push(*key);
            at = *key;
            if at == from {
                break;
            }
        }
        way.reverse();
        way
    }

    /// Whether both have a member in common.
    pub(crate) fn shares(&self, keys: &BTreeSet<Key>) -> bool {
        self.edges.keys().any(|key| keys.contains(key))
    }

    /// The member that waits for a slot inside an attempt that is a member too.
    pub(super) fn nested(&self, nodes: &Nodes) -> Option<Key> {
        let mut members = self.edges.keys().copied();
        members.find(|key| {
            nodes.get(*key).is_some_and(|node| {
                node.block_at(self.at).is_some_and(|block| block.kind == EdgeKind::Slot)
                    && node
                        .inside
                        .is_some_and(|inside| self.edges.contains_key(&Key::Attempt(inside)))
            })
        })
    }
}
