//! Waits and deadlocks while they last.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use super::cycle::Cycle;
use super::deadlock::knots;
use super::edges::owner;
use super::node::{Block, EdgeKind, Key, Node, Nodes};
use crate::model::{Ktime, Nanos, Request, Tid};
use crate::session::InFlight;
use crate::text::{Names, printable, span_text};

const SECOND: u64 = 1_000_000_000;
/// How often is looked, in the time of the events.
const STEP: Nanos = Nanos(SECOND);
/// How long others are waited for that are due as well: those who began one soon after the other are told together.
const GATHER: Nanos = Nanos(SECOND / 20);
/// Attempts and requests in flight for which every tick is good; where there are more, every second, third tick...
const FOR_A_TICK: usize = 128;
/// Tasks that a line names.
const NAMED: usize = 3;

/// A line about what is in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasting {
    /// When it was decided.
    pub time: Ktime,
    /// Who waits for the same thing; nobody for a deadlock.
    pub tasks: Vec<(Tid, String)>,
    /// In words.
    pub text: String,
    /// The modules, or names of requests, that it is about.
    names: BTreeSet<String>,
}

impl Lasting {
    /// Whether it is about a selected module.
    pub fn is_about(&self, names: &Names) -> bool {
        names.are_all() || self.names.iter().any(|name| names.take(Some(name)))
    }
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tid, comm) = match self.tasks.as_slice() {
            [] => ("-".to_owned(), "-".to_owned()),
            [(tid, comm)] => (tid.0.to_string(), named(comm)),
            many => ("-".to_owned(), format!("{} tasks", many.len())),
        };
        let line = format!("{tid:>7}  {comm:<15}  {}", self.text);
        f.write_str(&printable(&line))
    }
}

fn named(comm: &str) -> String {
    if comm.is_empty() { "-" } else { comm }.to_owned()
}

/// What was told of waits in flight. Decides at ticks only, so that a replay tells the same.
#[derive(Debug, Default)]
pub struct Watch {
    looked: Ktime,
    /// Ticks since.
    ticks: usize,
    /// Records that the session had taken then.
    taken: u64,
    /// When the next wait of those that lasted then is to be told.
    due: Option<Ktime>,
    /// How many of the instants at which a wait is told have passed.
    told: HashMap<(Key, Ktime), u64>,
    deadlocks: Vec<BTreeSet<Key>>,
}

impl Watch {
    /// A tick moved time on to `now`: what there is to tell of what is in flight. `taken` are the records that the session has taken by
    /// then: where there are no more of them, only time has passed, and what lasts is looked at again when one of the waits is due.
    pub fn tick<'s>(
        &mut self,
        now: Ktime,
        taken: u64,
        attempts: impl Iterator<Item = InFlight<'s>>,
        requests: impl Iterator<Item = &'s Request>,
    ) -> Vec<Lasting> {
        self.ticks += 1;
        let most = [attempts.size_hint().1, requests.size_hint().1];
        let most = most.into_iter().flatten().fold(0, usize::saturating_add);
        let is_new = taken != self.taken || self.due.is_some_and(|due| now.since(due) >= GATHER);
        if !is_new || now.since(self.looked) < STEP || most > self.ticks.saturating_mul(FOR_A_TICK) {
            return Vec::new();
        }
        (self.looked, self.ticks, self.taken, self.due) = (now, 0, taken, None);
        let mut nodes: Vec<Node> = attempts
            .map(|one| Node::in_flight(one.attempt, one.waits.as_ref()))
            .chain(requests.map(|request| Node::request(request, true)))
            .collect();
        nodes.sort_by_key(|node| node.key);
        let mut crowds: BTreeMap<String, Crowd<'_>> = BTreeMap::new();
        let mut waiting = HashMap::new();
        for node in &nodes {
            for block in node.blocks.iter().filter(|block| block.span.end.is_none()) {
                // What the request itself waits for says more.
                if block.kind != EdgeKind::Request {
                    let since = (node.key, block.span.start);
                    let before = self.told.get(&since).copied().unwrap_or_default();
                    let passed = passed(now.since(block.span.start));
                    let due = Ktime(block.span.start.0.saturating_add(next(passed).0));
                    self.due = Some(self.due.map_or(due, |other| other.min(due)));
                    if passed > before {
                        crowds.entry(words(node, block, false)).or_default().push((node, block));
                    }
                    waiting.insert(since, passed);
                }
            }
        }
        let mut crowds: Vec<Crowd<'_>> = crowds.into_values().collect();
        crowds.sort_by_key(|crowd| crowd.first().map(|(node, _)| node.key));
        let mut told: Vec<Lasting> = crowds.iter().filter_map(|crowd| line(now, crowd)).collect();
        self.told = waiting;
        told.extend(self.deadlocks(now, nodes));
        told
    }

    fn deadlocks(&mut self, now: Ktime, all: Vec<Node>) -> Vec<Lasting> {
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
        let stuck: HashSet<Key> = found.iter().flat_map(|knot| knot.edges.keys().copied()).collect();
        self.deadlocks
            .retain(|known| known.iter().any(|key| stuck.contains(key)));
        let known: HashSet<Key> = self.deadlocks.iter().flatten().copied().collect();
        let mut told = Vec::new();
        for knot in found.into_iter().filter(|knot| !knot.shares(&known)) {
            let Some(cycle) = Cycle::new(&nodes, &knot) else {
                continue;
            };
            told.push(Lasting {
                time: now,
                tasks: Vec::new(),
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

/// How long a wait has lasted when it is told again, after so many times.
fn next(passed: u64) -> Nanos {
    let seconds = match passed {
        0 => 1,
        1 => 10,
        more => (more - 1).saturating_mul(60),
    };
    Nanos(seconds.saturating_mul(SECOND))
}

/// Those who wait for the same thing, in the order in which they entered; never empty.
type Crowd<'n> = Vec<(&'n Node, &'n Block)>;

/// One line for all of them: fifty requests at a time are one thing to look at.
fn line(now: Ktime, crowd: &Crowd<'_>) -> Option<Lasting> {
    let (node, block) = crowd.first()?;
    let since = crowd.iter().map(|(_, block)| block.span.start).min()?;
    let long = span_text(now.since(since).0);
    let tasks = crowd
        .iter()
        .map(|(node, _)| (node.tid, String::from(node.comm.clone())));
    let tasks: Vec<(Tid, String)> = tasks.collect();
    let text = if tasks.len() == 1 {
        format!("still waiting {long}: {}", words(node, block, false))
    } else {
        let some = tasks.iter().take(NAMED);
        let some: Vec<String> = some.map(|(tid, comm)| format!("{} ({})", tid.0, named(comm))).collect();
        let more = match tasks.len().saturating_sub(some.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "still waiting up to {long}: {}: {}{more}",
            words(node, block, true),
            some.join(", ")
        )
    };
    let names = crowd
        .iter()
        .flat_map(|(node, block)| node.name.iter().chain(&block.module));
    Some(Lasting {
        time: now,
        tasks,
        text,
        names: names.map(ToString::to_string).collect(),
    })
}

/// What a wait is for. Those for whom this says the same wait for the same thing.
fn words(node: &Node, block: &Block, many: bool) -> String {
    let on = match &block.owner {
        Some((tid, comm)) => format!(" for {} ({comm})", tid.0),
        None => String::new(),
    };
    let name = node.name.as_deref().unwrap_or("(unknown)");
    let what = owner(node, block);
    match block.kind {
        EdgeKind::Slot => format!("request {name}, slot, for one of {what}"),
        EdgeKind::Helper if many => format!("request {name}, helper, for their modprobes"),
        EdgeKind::Helper => format!("request {name}, helper, for its modprobe"),
        EdgeKind::Dependency => format!("{name}, dependency{on}, for {what}"),
        kind => format!("{name}, {}{on}", kind.name()),
    }
}
