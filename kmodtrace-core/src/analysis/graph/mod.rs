//! The wait graph: who waited for whom, in which circles, and where many waited for one.
//!
//! Nodes are attempts and requests. An attempt waits for another attempt (same inode, same name, dependency, mutex), or for
//! a request made inside it; a request waits for the attempts of its helper, or for a slot; grace periods of RCU and
//! asynchronous work belong to nobody.
//!
//! [`WaitGraph`] is a fold over what a session hands out. Edges are added up by the names at their ends; attempts and
//! requests themselves are forgotten but for the last some thousand, among which circles are looked for. Whoever breaks a
//! circle first, by a timeout or a kill, leaves it whole at that instant, so it is found there when the last of its members
//! is handed out; one that lasts is found when the events end. [`Watch`] finds it while it lasts.

#[cfg(test)]
mod bound_tests;
mod cycle;
mod deadlock;
mod edges;
mod node;
mod pile_ups;
mod stacks;
mod tree;
mod view;
mod watch;
mod write;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests;
#[cfg(test)]
mod tree_tests;
#[cfg(test)]
mod watch_tests;

use std::collections::BTreeSet;

use crate::model::{Attempt, Finished, Ktime, Parent, Request};
use crate::picture::Stacks;
pub(crate) use cycle::ETIME;
pub use cycle::{Cycle, Member, Pattern};
use deadlock::{closure, knots};
pub use edges::WaitEdge;
pub use node::EdgeKind;
use node::{Key, Node, Nodes, On};
pub use pile_ups::{MANY, PileUp};
pub(crate) use tree::lasting;
pub use tree::{Tree, TreeRow};
pub use view::{Graph, SCHEMA};
pub use watch::{Lasting, Watch};
pub(crate) use write::{picture, unsearched_text};
pub use write::{write_dot, write_flamegraph, write_folded, write_svg, write_text};

/// Attempts and requests among which circles are looked for. Members of a circle are handed out soon after one another,
/// when it breaks; this is some hundred of them for each slot.
const REMEMBERED: usize = 8_192;
/// Circles that are kept; more are counted.
const CYCLES: usize = 64;
/// Steps of looking for circles that each attempt or request adds to those that may be taken, and those that there are to
/// begin with, which are as many as may gather: two seconds' work. Where all are taken, waits are counted and not looked at.
const STEPS: i64 = 256;
const STEPS_KEPT: i64 = 1 << 22;
/// Instants of a wait at which it may have been part of a circle that are looked at, the latest first.
const INSTANTS: usize = 256;

/// The graph so far.
#[derive(Debug)]
pub struct WaitGraph {
    nodes: Nodes,
    edges: edges::Edges,
    piles: pile_ups::Piles,
    /// Only where somebody draws them.
    stacks: Option<Stacks>,
    cycles: Vec<Cycle>,
    more_cycles: u64,
    /// Steps that may be taken; below 0 where the last search took more than there were.
    steps: i64,
    /// Waits that were not looked at.
    unsearched: u64,
}

impl Default for WaitGraph {
    fn default() -> Self {
        Self {
            nodes: Nodes::default(),
            edges: edges::Edges::default(),
            piles: pile_ups::Piles::default(),
            stacks: None,
            cycles: Vec::new(),
            more_cycles: 0,
            steps: STEPS_KEPT,
            unsearched: 0,
        }
    }
}

impl WaitGraph {
    /// One that gathers stacks as well.
    pub fn with_stacks() -> Self {
        Self {
            stacks: Some(Stacks::default()),
            ..Self::default()
        }
    }

    /// Adds what a session handed out.
    pub fn add(&mut self, finished: &Finished) {
        match finished {
            Finished::Attempt(attempt) => self.add_attempt(attempt),
            Finished::Request(request) => self.add_request(request),
            Finished::State(_) | Finished::Call(_) => {}
        }
    }

    /// The circles found so far, in the order in which they were found.
    pub fn cycles(&self) -> &[Cycle] {
        &self.cycles
    }

    /// Waits of which was not looked whether they were part of a deadlock; none where all were.
    pub fn unsearched(&self) -> Option<u64> {
        Some(self.unsearched).filter(|waits| *waits > 0)
    }

    /// The greatest pile-ups so far.
    pub fn pile_ups(&self) -> Vec<PileUp> {
        self.piles.all(&self.nodes)
    }

    /// What is shown of it so far, without stacks.
    pub fn so_far(&self) -> Graph {
        Graph::new(
            (self.cycles.clone(), self.more_cycles, self.unsearched()),
            self.pile_ups(),
            self.edges.clone().into_vec(),
            Stacks::default(),
        )
    }

    /// Nothing more comes: what is shown of it.
    pub fn finish(mut self) -> Graph {
        let (pile_ups, unsearched) = (self.pile_ups(), self.unsearched());
        // Their requests were never handed out.
        for node in self.nodes.iter().filter(|node| node.request.is_some()) {
            if let Some(stacks) = &mut self.stacks {
                stacks::attempt(stacks, node, edges::UNKNOWN);
            }
        }
        Graph::new(
            (self.cycles, self.more_cycles, unsearched),
            pile_ups,
            self.edges.into_vec(),
            self.stacks.unwrap_or_default(),
        )
    }

    fn add_attempt(&mut self, attempt: &Attempt) {
        let mut node = Node::attempt(attempt);
        if let Some(stacks) = &mut self.stacks {
            let request = node.request.map(Key::Request);
            // Where its request comes later, that adds it.
            if let Some(request) = request.and_then(|key| self.nodes.get(key)) {
                node.request = None;
                stacks::attempt(stacks, &node, &stacks::requester(request));
            } else if request.is_none() {
                let parent = attempt.parent.as_ref().map(|Parent { comm, .. }| comm.as_str());
                let parent = parent.filter(|comm| !comm.is_empty());
                stacks::attempt(stacks, &node, parent.unwrap_or(edges::UNKNOWN));
            }
        }
        self.add_node(node);
    }

    fn add_request(&mut self, request: &Request) {
        let node = Node::request(request, false);
        if let Some(stacks) = &mut self.stacks {
            stacks::request(stacks, &node, &mut self.nodes);
        }
        self.add_node(node);
    }

    fn add_node(&mut self, node: Node) {
        self.edges.add(&node);
        self.piles.add(&node, &self.nodes);
        let key = node.key;
        if let Some(oldest) = self.nodes.add(node, REMEMBERED)
            && oldest.request.is_some()
            && let Some(stacks) = &mut self.stacks
        {
            stacks::attempt(stacks, &oldest, edges::UNKNOWN);
        }
        self.steps = STEPS_KEPT.min(self.steps + STEPS);
        let mut left = self.steps;
        let mut found = Vec::new();
        if let Some(node) = self.nodes.get(key) {
            for block in node.blocks.iter().filter(|block| block.on != On::Nobody) {
                if left <= 0 {
                    self.unsearched += 1;
                } else {
                    let cycle = self.cycle_through(node, block, &mut left);
                    self.unsearched += u64::from(cycle.is_none() && left <= 0);
                    found.extend(cycle);
                }
            }
        }
        self.steps = left;
        for cycle in found {
            self.keep(cycle);
        }
    }

    /// The circle that this wait was part of, at the last instant at which it was. Takes from the steps that are `left`.
    fn cycle_through(&self, node: &Node, block: &node::Block, left: &mut i64) -> Option<Cycle> {
        let mut steps = 0;
        let reached = closure(&self.nodes, node, block, &mut steps);
        *left = left.saturating_sub_unsigned(steps);
        let reached = reached?;
        let last = block.span.end.unwrap_or(Ktime(u64::MAX));
        let ends = reached.iter().filter_map(|key| self.nodes.get(*key));
        let ends = ends
            .flat_map(|node| &node.blocks)
            .map(|block| block.span.end.unwrap_or(Ktime(u64::MAX)));
        let instants: BTreeSet<Ktime> = ends.filter(|end| block.span.start < *end && *end <= last).collect();
        let sizes = reached.iter().filter_map(|key| self.nodes.get(*key)).map(Node::size);
        let size = sizes.sum::<usize>() + self.nodes.holders().count();
        let affordable = usize::try_from(*left).unwrap_or_default().div_ceil(size);
        let knot = instants
            .into_iter()
            .rev()
            .take(INSTANTS.min(affordable))
            .find_map(|at| {
                *left = left.saturating_sub_unsigned(size as u64);
                let all = knots(&self.nodes, reached.iter().copied(), at);
                all.into_iter().find(|knot| knot.edges.contains_key(&node.key))
            })?;
        Cycle::new(&self.nodes, &knot)
    }

    /// One circle once: members that are handed out later may make it greater.
    fn keep(&mut self, cycle: Cycle) {
        let shares = |known: &&mut Cycle| !known.keys.is_disjoint(&cycle.keys);
        let same_time = |known: &&mut Cycle| {
            let end = |cycle: &Cycle| cycle.until_ns.unwrap_or(u64::MAX);
            known.since_ns <= end(&cycle) && cycle.since_ns <= end(known)
        };
        if let Some(known) = self.cycles.iter_mut().filter(same_time).find(shares) {
            if known.members <= cycle.members {
                *known = cycle;
            }
        } else if self.cycles.len() < CYCLES {
            self.cycles.push(cycle);
        } else {
            self.more_cycles += 1;
        }
    }
}
