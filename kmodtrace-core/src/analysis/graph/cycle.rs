//! Deadlocks in words: who waits for whom in a circle, since when, and what ended it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::deadlock::Knot;
use super::node::{Block, EdgeKind, Key, Node, Nodes};
use crate::model::{Errno, Ktime, Nanos, SLOTS};
use crate::text::span_text;

/// `ETIME`: the five seconds for a slot are over.
pub(crate) const ETIME: Errno = Errno(62);
/// Steps of the way around that a sentence tells.
const STEPS: usize = 16;
/// Members that a cycle lists: the fifty slots with the modprobes behind them, and some more.
const LISTED: usize = 128;

/// What kind of deadlock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// An init function requests a module, and all slots are held by requests whose modprobes wait for its own module.
    NestedRequest,
    /// An init function requests an alias of its own module, and that modprobe waits for the module.
    SelfLoad,
    /// A module waits for another that it needs, which is COMING and waits for the first.
    Dependency,
    /// Any other.
    Other,
}

/// A deadlock: none of its members could get on before another one did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cycle {
    /// Which kind.
    pub pattern: Pattern,
    /// In words.
    pub sentence: String,
    /// Since when it was complete, nanoseconds of `CLOCK_MONOTONIC`.
    pub since_ns: u64,
    /// When the first of its waits ended; null when it lasts.
    pub until_ns: Option<u64>,
    /// What ended it, in words; null when it lasts.
    pub ended_by: Option<String>,
    /// One way around, in order, 128 at most.
    pub way: Vec<Member>,
    /// All attempts in it, 128 at most.
    pub attempts: Vec<u64>,
    /// All requests in it, 128 at most.
    pub requests: Vec<u64>,
    /// How many attempts and requests are in it.
    pub members: usize,
    /// How many more wait for it from outside.
    pub outside: usize,
    /// The modules and names in it.
    #[serde(skip)]
    pub(crate) names: BTreeSet<String>,
    #[serde(skip)]
    pub(crate) keys: BTreeSet<Key>,
}

/// A member of a cycle and the wait that it is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Member {
    /// The attempt, where it is one.
    pub attempt: Option<u64>,
    /// The request, where it is one.
    pub request: Option<u64>,
    /// The task.
    pub tid: u32,
    /// Its name.
    pub comm: String,
    /// The module, or what is requested.
    pub name: Option<String>,
    /// What it waits for: the next in the list, the last for the first.
    pub waits: EdgeKind,
    /// Since when.
    pub since_ns: u64,
    /// The work function, where the task is a kworker: the rows of requests have it in JSON.
    #[serde(skip)]
    pub(super) work: Option<String>,
}

impl Cycle {
    pub(super) fn new(nodes: &Nodes, knot: &Knot) -> Option<Self> {
        let nested = knot.nested(nodes);
        let breaker = breaker(nodes, knot);
        let lasts = knot.at == Ktime(u64::MAX);
        let from = nested.or(breaker).or_else(|| knot.edges.keys().next().copied())?;
        let way: Vec<(&Node, &Block)> = start(nodes, knot, from, nested.is_some());
        let pattern = pattern(&way, nested.is_some());
        let waits = knot.edges.keys().filter_map(|key| nodes.get(*key)?.block_at(knot.at));
        let since = waits.map(|block| block.span.start).max()?;
        let ended_by = breaker
            .filter(|_| !lasts)
            .and_then(|key| nodes.get(key))
            .and_then(|node| Some(end_of(node, node.ended_at(knot.at)?)));
        let ids = |of: fn(&Key) -> Option<u64>| knot.edges.keys().filter_map(of).take(LISTED).collect();
        let names = knot.edges.keys().filter_map(|key| nodes.get(*key)?.name.clone());
        Some(Self {
            pattern,
            sentence: sentence(pattern, &way),
            since_ns: since.0,
            until_ns: (!lasts).then_some(knot.at.0),
            ended_by,
            way: way
                .iter()
                .take(LISTED)
                .map(|(node, block)| Member::new(node, block))
                .collect(),
            attempts: ids(|key| match key {
                Key::Attempt(id) => Some(id.0),
                Key::Request(_) => None,
            }),
            requests: ids(|key| match key {
                Key::Attempt(_) => None,
                Key::Request(id) => Some(id.0),
            }),
            members: knot.edges.len(),
            outside: knot.outside,
            names: names.map(String::from).collect(),
            keys: knot.edges.keys().copied().collect(),
        })
    }

    /// How long it was complete; none when it lasts.
    pub fn duration(&self) -> Option<Nanos> {
        Some(Ktime(self.until_ns?).since(Ktime(self.since_ns)))
    }

    /// The sentence, how long it lasted, and what ended it.
    pub fn text(&self) -> String {
        let end = match (self.duration(), &self.ended_by) {
            (Some(long), Some(by)) => format!("it lasted {} and ended when {by}", span_text(long.0)),
            (Some(long), None) => format!("it lasted {}", span_text(long.0)),
            (None, _) => "it still lasts".to_owned(),
        };
        let outside = match self.outside {
            0 => String::new(),
            more => format!("; {more} more wait for it"),
        };
        format!("{}; {end}{outside}", self.sentence)
    }
}

impl Member {
    fn new(node: &Node, block: &Block) -> Self {
        let (attempt, request) = match node.key {
            Key::Attempt(id) => (Some(id.0), None),
            Key::Request(id) => (None, Some(id.0)),
        };
        Self {
            attempt,
            request,
            tid: node.tid.0,
            comm: node.comm.clone().into(),
            name: node.name.clone().map(Into::into),
            waits: block.kind,
            since_ns: block.span.start.0,
            work: node.work.clone(),
        }
    }
}

/// The member whose wait ended. A request, and who waits for it, may end at the same instant because of that.
fn breaker(nodes: &Nodes, knot: &Knot) -> Option<Key> {
    let ended = |key: &Key| Some((*key, nodes.get(*key)?.ended_at(knot.at)?.kind));
    let ended = knot.edges.keys().filter_map(ended);
    let (key, _) = ended.min_by_key(|(_, kind)| matches!(kind, EdgeKind::Request | EdgeKind::Helper))?;
    Some(key)
}

/// The way around, begun where the sentence begins: at a request without a slot, else at the wait for a dependency, else
/// at an init function that requests something.
fn start<'n>(nodes: &'n Nodes, knot: &Knot, from: Key, nested: bool) -> Vec<(&'n Node, &'n Block)> {
    let node = |key: Key| {
        let node = nodes.get(key)?;
        Some((node, node.block_at(knot.at)?))
    };
    let mut way: Vec<_> = knot.way(from).into_iter().filter_map(node).collect();
    if !nested {
        let begins = [EdgeKind::Dependency, EdgeKind::Request];
        let first = begins
            .iter()
            .find_map(|kind| way.iter().position(|(_, block)| block.kind == *kind));
        way.rotate_left(first.unwrap_or_default());
    }
    way
}

fn pattern(way: &[(&Node, &Block)], nested: bool) -> Pattern {
    let kinds: Vec<EdgeKind> = way.iter().map(|(_, block)| block.kind).collect();
    match kinds.as_slice() {
        _ if nested => Pattern::NestedRequest,
        [
            EdgeKind::Request,
            EdgeKind::Helper,
            EdgeKind::SameInode | EdgeKind::SameName,
        ] => Pattern::SelfLoad,
        kinds if kinds.contains(&EdgeKind::Dependency) => Pattern::Dependency,
        _ => Pattern::Other,
    }
}

fn sentence(pattern: Pattern, way: &[(&Node, &Block)]) -> String {
    let name = |node: &Node| node.name.as_deref().unwrap_or("(unknown)").to_owned();
    match (pattern, way) {
        (Pattern::NestedRequest, [(request, _), .., (inside, _)]) => format!(
            "nested request needs slot {}: the init function of {module}, in {}, requests {}, and all {SLOTS} slots are held by \
             requests whose modprobes wait for {module}",
            SLOTS + 1,
            task(inside),
            name(request),
            module = name(inside),
        ),
        (Pattern::SelfLoad, [(init, _), (request, _), (helper, _)]) => format!(
            "{module} loads itself: its init function, in {}, requests {}, whose modprobe, {}, waits for {module}",
            task(init),
            name(request),
            task(helper),
            module = name(init),
        ),
        (Pattern::Dependency, [(needs, block), ..]) => format!(
            "{} needs {}, which is COMING and waits for it in turn: {}",
            name(needs),
            block.module.as_deref().unwrap_or("a module"),
            around(way),
        ),
        _ => around(way),
    }
}

/// `A waits for B (same-name), B waits for A (request)`
fn around(way: &[(&Node, &Block)]) -> String {
    let next = way.iter().cycle().skip(1);
    let steps = way.iter().zip(next).take(STEPS).map(|((node, block), (next, _))| {
        format!("{} waits for {} ({})", subject(node), subject(next), block.kind.name())
    });
    let steps = steps.collect::<Vec<_>>().join(", ");
    match way.len().saturating_sub(STEPS) {
        0 => steps,
        more => format!("{steps}, and so on by {more} more, the last of which waits for the first"),
    }
}

pub(super) fn subject(node: &Node) -> String {
    let name = node.name.as_deref().unwrap_or("(unknown)");
    match node.key {
        Key::Attempt(_) => format!("the load of {name} by {}", task(node)),
        Key::Request(_) => format!("the request of {name} by {}", task(node)),
    }
}

/// `tid 12 (modprobe)`
fn task(node: &Node) -> String {
    let comm = if node.comm.is_empty() { "-" } else { &node.comm };
    format!("tid {} ({comm})", node.tid.0)
}

/// What ended a wait, as far as the one who waited tells.
fn end_of(node: &Node, block: &Block) -> String {
    let waited = block.span.duration().map_or_else(String::new, |long| span_text(long.0));
    let errno = block.errno.or(node.result);
    match (block.kind, errno) {
        (EdgeKind::Slot, Some(errno)) if errno == ETIME => {
            format!(
                "the wait for a slot of {} timed out after {waited} (ETIME)",
                subject(node)
            )
        }
        (_, Some(errno)) if matches!(errno, Errno::EINTR | Errno::ERESTARTSYS) => {
            format!("{} was interrupted by a signal ({errno})", subject(node))
        }
        (EdgeKind::Dependency, _) => format!("{} gave up waiting after {waited}", subject(node)),
        (kind, Some(errno)) if errno != Errno::OK => {
            format!(
                "the {} wait of {} ended after {waited}, later {errno}",
                kind.name(),
                subject(node)
            )
        }
        (kind, _) => format!("the {} wait of {} ended after {waited}", kind.name(), subject(node)),
    }
}
