//! Waits and deadlocks while they last.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use super::cycle::Cycle;
use super::edges::owner;
use super::node::{Block, EdgeKind, Key, Node, Nodes};
use super::stuck::knots;
use crate::report::{Selection, printable, span_text};
use crate::request::Request;
use crate::session::InFlight;
use crate::units::{Ktime, Nanos, Tid};

const SECOND: u64 = 1_000_000_000;
/// How often is looked, in the time of the events.
const STEP: Nanos = Nanos(SECOND);

/// A line about what is in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// When it was decided.
    pub time: Ktime,
    /// The task that waits; none for a deadlock.
    pub task: Option<(Tid, String)>,
    /// In words.
    pub text: String,
    /// The modules, or names of requests, that it is about.
    names: BTreeSet<String>,
}

impl Told {
    /// Whether it is about a selected module.
    pub fn is_selected(&self, selection: &Selection) -> bool {
        selection.takes(None) || self.names.iter().any(|name| selection.takes(Some(name)))
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.task {
            Some((tid, comm)) => {
                let comm = if comm.is_empty() { "-" } else { comm };
                write!(f, "{:>7}  {:<15}  {}", tid.0, printable(comm), self.text)
            }
            None => write!(f, "{:>7}  {:<15}  {}", "-", "-", self.text),
        }
    }
}

/// What was told of waits in flight. Decides at ticks only, so that a replay tells the same.
#[derive(Debug, Default)]
pub struct Watch {
    looked: Ktime,
    /// How many of the instants at which a wait is told have passed.
    told: HashMap<(Key, Ktime), u64>,
    deadlocks: Vec<BTreeSet<Key>>,
}

impl Watch {
    /// A tick moved time on to `now`: what there is to tell of what is in flight.
    pub fn tick<'s>(
        &mut self,
        now: Ktime,
        attempts: impl Iterator<Item = InFlight<'s>>,
        requests: impl Iterator<Item = &'s Request>,
    ) -> Vec<Told> {
        if now.since(self.looked) < STEP {
            return Vec::new();
        }
        self.looked = now;
        let mut nodes: Vec<Node> = attempts
            .map(|one| Node::in_flight(one.attempt, one.waits.as_ref()))
            .chain(requests.map(|request| Node::request(request, true)))
            .collect();
        nodes.sort_by_key(|node| node.key);
        let mut told = Vec::new();
        let mut waiting = HashMap::new();
        for node in &nodes {
            for block in node.blocks.iter().filter(|block| block.span.end.is_none()) {
                // What the request itself waits for says more.
                if block.kind != EdgeKind::Request {
                    let since = (node.key, block.span.start);
                    let before = self.told.get(&since).copied().unwrap_or_default();
                    let passed = passed(now.since(block.span.start));
                    if passed > before {
                        told.push(line(now, node, block));
                    }
                    waiting.insert(since, passed);
                }
            }
        }
        self.told = waiting;
        told.extend(self.deadlocks(now, nodes));
        told
    }

    fn deadlocks(&mut self, now: Ktime, all: Vec<Node>) -> Vec<Told> {
        // Nobody is stuck who does not wait.
        let mut nodes = Nodes::default();
        for node in all {
            if node.holds.is_some() || node.blocks.iter().any(|block| block.span.end.is_none()) {
                nodes.add(node, usize::MAX);
            }
        }
        let keys: Vec<Key> = nodes.iter().map(|node| node.key).collect();
        let found = knots(&nodes, keys.into_iter(), Ktime(u64::MAX));
        // A deadlock is known until it is broken, however many join it.
        self.deadlocks
            .retain(|known| found.iter().any(|knot| knot.shares(known)));
        let mut told = Vec::new();
        for knot in found {
            if self.deadlocks.iter().any(|known| knot.shares(known)) {
                continue;
            }
            let Some(cycle) = Cycle::new(&nodes, &knot) else {
                continue;
            };
            told.push(Told {
                time: now,
                task: None,
                text: format!("deadlock: {}", cycle.text()),
                names: cycle.names.clone(),
            });
            self.deadlocks.push(cycle.keys);
        }
        told
    }
}

/// A wait is told after one second, after ten, and then every minute: so many times by now.
fn passed(waited: Nanos) -> u64 {
    match waited.0 / SECOND {
        0 => 0,
        1..10 => 1,
        seconds => 2 + seconds / 60,
    }
}

fn line(now: Ktime, node: &Node, block: &Block) -> Told {
    let long = span_text(now.since(block.span.start).0);
    let on = match &block.owner {
        Some((tid, comm)) => format!(" for {} ({})", tid.0, printable(comm)),
        None => String::new(),
    };
    let name = printable(node.name.as_deref().unwrap_or("(unknown)"));
    let what = owner(node, block);
    let text = match block.kind {
        EdgeKind::Slot => format!("still waiting {long}: request {name}, slot, for one of {what}"),
        EdgeKind::Helper => format!("still waiting {long}: request {name}, helper, for its modprobe"),
        EdgeKind::Dependency => format!("still waiting {long}: {name}, dependency{on}, for {}", printable(&what)),
        kind => format!("still waiting {long}: {name}, {}{on}", kind.name()),
    };
    let names = node.name.iter().chain(&block.module).cloned().collect();
    Told {
        time: now,
        task: Some((node.tid, node.comm.clone())),
        text,
        names,
    }
}
