//! Who is stuck at an instant, and which of them in a cycle.
//!
//! A sleeper is stuck when what it waits for is. The wait for a slot is the exception: one of the [`SLOTS`] holders that
//! gets on is enough, so all of them must be stuck, and all of them must be known.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::node::{Block, EdgeKind, Key, Node, Nodes, On, covers};
use crate::model::{Ktime, SLOTS};

/// Requests that may seem to hold a slot at one instant: as many again as there are may have given theirs back and not have
/// returned yet. Where more do, returns are missing, and nobody can say who holds one.
const HOLDERS: usize = 2 * SLOTS;

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
///
/// Those whom it waits for and those who wait for it are followed in step: where either come to their end, which for the
/// members of a long chain is soon, there is no circle. `steps` counts what was looked at.
pub(super) fn closure(nodes: &Nodes, node: &Node, block: &Block, steps: &mut u64) -> Option<BTreeSet<Key>> {
    if node.holds.is_none() && nodes.waiters(node.key).next().is_none() {
        return None;
    }
    let mut behind = Walk::default();
    behind.add(node.key);
    behind.waiters(nodes, node.key, block);
    let mut ahead = Walk::default();
    if behind.seen.len() > 1 {
        ahead.successors(nodes, block, block);
    }
    let mut is_circle = false;
    while let Some(key) = ahead.todo.pop() {
        if let Some(waited) = behind.todo.pop() {
            behind.waiters(nodes, waited, block);
        } else if !is_circle {
            is_circle = !behind.seen.is_disjoint(&ahead.seen);
            if !is_circle {
                break;
            }
        }
        if key == node.key {
            continue;
        }
        let blocks = nodes.get(key).into_iter().flat_map(|node| &node.blocks);
        for next in blocks.filter(|next| next.meets(block.span)) {
            ahead.successors(nodes, next, block);
        }
    }
    *steps = steps.saturating_add(ahead.steps + behind.steps);
    ahead.seen.contains(&node.key).then(|| ahead.seen.into_iter().collect())
}

/// What is reached, in one direction.
#[derive(Default)]
struct Walk {
    todo: Vec<Key>,
    seen: HashSet<Key>,
    /// Whether those that hold slots, or wait for one, are among it.
    slots: bool,
    /// The list that was taken last: waits of one attempt share one.
    list: Option<Arc<[Key]>>,
    steps: u64,
}

impl Walk {
    fn add(&mut self, key: Key) {
        self.steps += 1;
        if self.seen.insert(key) {
            self.todo.push(key);
        }
    }

    /// Whom a wait is for, as far as they overlap with the one that the search began with.
    fn successors(&mut self, nodes: &Nodes, wait: &Block, begun: &Block) {
        match &wait.on {
            On::These(keys) => {
                let again = self.list.as_ref().is_some_and(|list| Arc::ptr_eq(list, keys));
                self.steps += 1;
                if !again {
                    self.list = Some(Arc::clone(keys));
                    keys.iter().for_each(|key| self.add(*key));
                }
            }
            On::Slot if !self.slots => {
                self.slots = true;
                for (key, held) in nodes.holders() {
                    self.steps += 1;
                    if begun.meets(held) {
                        self.add(key);
                    }
                }
            }
            On::Slot | On::Nobody => {}
        }
    }

    /// Who waits for it, whenever that was: all of those who overlap with that wait, and others.
    fn waiters(&mut self, nodes: &Nodes, waited: Key, begun: &Block) {
        nodes.waiters(waited).for_each(|key| self.add(key));
        let holds = nodes.get(waited).and_then(|node| node.holds);
        if !self.slots && holds.is_some_and(|held| begun.meets(held)) {
            self.slots = true;
            nodes.slot_waiters().for_each(|key| self.add(key));
        }
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
    let held = nodes.holders().filter(|(_, held)| covers(*held, at));
    let holders: Vec<Key> = held.map(|(key, _)| key).take(HOLDERS + 1).collect();
    let mut edges = Edges::new();
    let mut needs_all = BTreeSet::new();
    for key in among {
        match nodes.get(key).and_then(|node| node.block_at(at)).map(|block| &block.on) {
            Some(On::These(keys)) => drop(edges.insert(key, keys.to_vec())),
            Some(On::Slot) if (SLOTS..=HOLDERS).contains(&holders.len()) => {
                needs_all.insert(key);
                edges.insert(key, holders.clone());
            }
            _ => {}
        }
    }
    // Who gets on frees those who wait for nobody else.
    let back = reversed(&edges);
    let mut left: HashMap<Key, usize> = HashMap::new();
    let mut free = Vec::new();
    for (key, on) in &edges {
        let stuck = on.iter().filter(|on| edges.contains_key(on)).count();
        if stuck == 0 || needs_all.contains(key) && stuck < on.len() {
            free.push(*key);
        }
        left.insert(*key, stuck);
    }
    while let Some(key) = free.pop() {
        if edges.remove(&key).is_none() {
            continue;
        }
        for waiter in back.get(&key).into_iter().flatten() {
            if let Some(left) = left.get_mut(waiter) {
                *left = left.saturating_sub(1);
                if *left == 0 || needs_all.contains(waiter) {
                    free.push(*waiter);
                }
            }
        }
    }
    let stuck: BTreeSet<Key> = edges.keys().copied().collect();
    within(&edges, &stuck)
}

/// Who is waited for by whom.
fn reversed(edges: &Edges) -> Edges {
    let mut back = Edges::new();
    for (key, on) in edges {
        for on in on {
            back.entry(*on).or_default().push(*key);
        }
    }
    back
}

fn within(edges: &Edges, members: &BTreeSet<Key>) -> Edges {
    let own = members.iter().filter_map(|key| edges.get_key_value(key));
    own.map(|(key, on)| (*key, on.iter().filter(|on| members.contains(on)).copied().collect()))
        .collect()
}

/// Strongly connected components, after Kosaraju: no recursion, chains can be long.
fn components(edges: &Edges) -> Vec<BTreeSet<Key>> {
    let back = reversed(edges);
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

    /// Whether one of its members is among these.
    pub(crate) fn shares(&self, keys: &HashSet<Key>) -> bool {
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
