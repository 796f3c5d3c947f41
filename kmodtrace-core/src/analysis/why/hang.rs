//! What had not returned when the recording ended: who, in which stage, since when, and who waits behind it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::Kind;
use super::chain::{for_device, killed, loaded_from, started_by};
use super::window::Window;
use super::words::{task, took};
use crate::analysis::stages::{Place, stages_until};
use crate::kernel::log::is_oops;
use crate::model::{Attempt, AttemptId, Ktime, Nanos, Request, RequestId, Stage, Wait};
use crate::text::Names;

/// Attempts and requests in flight that are kept; of more only the number.
const KEPT: usize = 4_096;
/// Those that are named as waiting behind another one.
const NAMED: usize = 8;

/// A load, an unload or a request that had not returned when the recording ended, and that waits for no other such.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hang {
    /// `load`, `unload` or `request`.
    pub kind: Kind,
    /// `id` of the attempt or request.
    pub id: u64,
    /// The module, or what is requested; null where that is not known.
    pub name: Option<String>,
    /// What the loader is about; null for a request, and where the entry was not seen.
    pub stage: Option<Stage>,
    /// Nanoseconds from its entry to the end of the recording; null where the entry was not seen.
    pub lasted_ns: Option<u64>,
    /// How many others wait for it, directly or not.
    pub waiters: u64,
    /// All of this in a sentence.
    pub headline: String,
    /// How it came about, a sentence each.
    pub sentences: Vec<String>,
}

/// A node of what is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Attempt(AttemptId),
    Request(RequestId),
}

/// What is in flight at the end.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    attempts: BTreeMap<AttemptId, Box<Attempt>>,
    requests: BTreeMap<RequestId, Box<Request>>,
    /// Those that are not kept.
    more: u64,
}

impl InFlight {
    pub(super) fn attempt(&mut self, attempt: Box<Attempt>) {
        if self.attempts.len() < KEPT {
            self.attempts.insert(attempt.id, attempt);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn request(&mut self, request: Box<Request>) {
        if self.requests.len() < KEPT {
            self.requests.insert(request.id, request);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn len(&self) -> u64 {
        (self.attempts.len() + self.requests.len()) as u64 + self.more
    }

    /// Each that waits for no other one, with those behind it; those that lasted longest first.
    pub(super) fn hangs(&self, modules: &Names, end: Ktime, window: &Window) -> Vec<Hang> {
        let attempts = self.attempts.keys().map(|id| Node::Attempt(*id));
        let requests = self.requests.keys().map(|id| Node::Request(*id));
        let mut behind: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
        for node in attempts.chain(requests) {
            let root = self.root(node);
            let waiters = behind.entry(root).or_default();
            if node != root {
                waiters.push(node);
            }
        }
        let about = |node: &Node| modules.take(self.name(*node));
        let mut hangs: Vec<Hang> = behind
            .iter()
            .filter(|(root, waiters)| about(root) || waiters.iter().any(about))
            .filter_map(|(root, waiters)| self.hang(*root, waiters, end, window))
            .collect();
        hangs.sort_by_key(|hang| std::cmp::Reverse(hang.lasted_ns));
        hangs
    }

    /// What it waits for in the end. In a circle that is the first of it.
    fn root(&self, node: Node) -> Node {
        let mut seen = BTreeSet::from([node]);
        let mut at = node;
        while let Some(next) = self.waits_for(at) {
            if !seen.insert(next) {
                let mut circle = vec![next];
                let mut around = self.waits_for(next);
                while let Some(other) = around.filter(|other| *other != next) {
                    circle.push(other);
                    around = self.waits_for(other);
                }
                return circle.into_iter().min().unwrap_or(next);
            }
            at = next;
        }
        at
    }

    fn waits_for(&self, node: Node) -> Option<Node> {
        match node {
            Node::Attempt(id) => {
                let attempt = self.attempts.get(&id)?;
                let owner = open_wait(attempt).and_then(|wait| wait.on.as_ref().or(attempt.leader.as_ref()));
                let owner = owner.map(|owner| owner.attempt);
                let owner = owner.filter(|id| self.attempts.contains_key(id)).map(Node::Attempt);
                let asks = attempt.requests.iter().rev().find(|id| self.requests.contains_key(id));
                owner.or(asks.map(|id| Node::Request(*id)))
            }
            Node::Request(id) => {
                let helper = self.requests.get(&id)?.helper.as_ref()?;
                let load = helper.attempts.iter().rev().find(|id| self.attempts.contains_key(id));
                load.map(|id| Node::Attempt(*id))
            }
        }
    }

    fn name(&self, node: Node) -> Option<&str> {
        match node {
            Node::Attempt(id) => self.attempts.get(&id)?.module.as_deref(),
            Node::Request(id) => self.requests.get(&id).map(|request| request.name.as_str()),
        }
    }

    fn hang(&self, root: Node, waiters: &[Node], end: Ktime, window: &Window) -> Option<Hang> {
        let mut hang = match root {
            Node::Attempt(id) => of_attempt(self.attempts.get(&id)?, end, window),
            Node::Request(id) => of_request(self.requests.get(&id)?, end, window),
        };
        hang.waiters = waiters.len() as u64;
        if !waiters.is_empty() {
            let others = if waiters.len() == 1 {
                "1 other waits"
            } else {
                "others wait"
            };
            let count = if waiters.len() == 1 {
                String::new()
            } else {
                format!("{} ", waiters.len())
            };
            hang.headline = format!("{}; {count}{others} for it", hang.headline);
        }
        let named = waiters
            .iter()
            .take(NAMED)
            .filter_map(|node| self.waiter(*node, end, window));
        hang.sentences.extend(named);
        if waiters.len() > NAMED {
            hang.sentences.push(format!("and {} more wait", waiters.len() - NAMED));
        }
        Some(hang)
    }

    /// Who waits, since when.
    fn waiter(&self, node: Node, end: Ktime, window: &Window) -> Option<String> {
        match node {
            Node::Attempt(id) => {
                let attempt = self.attempts.get(&id)?;
                let wait = open_wait(attempt);
                let since = wait.map(|wait| wait.span.start).or(attempt.start);
                let on = wait.and_then(|wait| wait.on.as_ref().or(attempt.leader.as_ref()));
                let on = on.map_or_else(String::new, |on| format!(" for attempt {}", on.attempt.0));
                let how = wait.map_or_else(String::new, |wait| format!(", {}", wait.kind.name()));
                Some(format!(
                    "{} waits{on}{}{how}",
                    what(attempt),
                    lasting(since, end, window)
                ))
            }
            Node::Request(id) => {
                let request = self.requests.get(&id)?;
                Some(format!(
                    "{} waits{}",
                    asks(request),
                    lasting(request.start, end, window)
                ))
            }
        }
    }
}

/// The wait that an attempt in flight is in.
fn open_wait(attempt: &Attempt) -> Option<&Wait> {
    attempt.waits.iter().rev().find(|wait| wait.span.end.is_none())
}

fn of_attempt(attempt: &Attempt, end: Ktime, window: &Window) -> Hang {
    let kind = if attempt.is_unload() { Kind::Unload } else { Kind::Load };
    let lasted = attempt.start.map(|start| end.since(start));
    let name = attempt.module.as_deref().unwrap_or("an unknown module");
    let piece = stages_until(attempt, end).pop();
    let init = attempt.init.as_ref().filter(|init| init.span.end.is_none());
    let (where_, since) = match (init, &piece) {
        (Some(init), _) => {
            let symbol = init
                .symbol
                .as_deref()
                .map_or_else(String::new, |symbol| format!(" {symbol}"));
            (
                format!("its init function{symbol} has not returned"),
                Some(init.span.start),
            )
        }
        (None, Some(piece)) if piece.is_exit() => (
            format!("{} has not returned", attempt.exit_function_text()),
            Some(piece.start),
        ),
        (None, Some(piece)) => (format!("it is {}", place(piece.name)), Some(piece.start)),
        (None, None) => ("where is not known".to_owned(), None),
    };
    let oops = attempt
        .log
        .iter()
        .map(|line| line.text.as_str())
        .find(|line| is_oops(line));
    let where_ = match oops {
        Some(line) => format!("the kernel oopsed in it, and its task is gone ({line})"),
        None => where_,
    };
    let wait = open_wait(attempt).map_or_else(String::new, |wait| format!(", and waits ({})", wait.kind.name()));
    let long = lasted.map_or_else(String::new, |lasted| format!(" for {}", took(lasted)));
    let mut sentences = vec![format!(
        "{} began{}; {where_}{wait}{}",
        what(attempt),
        window.at(attempt.start),
        lasting(since, end, window)
    )];
    sentences.extend(started_by(attempt));
    sentences.extend(loaded_from(attempt));
    sentences.extend(for_device(attempt));
    sentences.extend(killed(attempt, window));
    let last = attempt.log.iter().rev().take(2).rev();
    sentences.extend(last.map(|line| format!("the kernel log says: {}", line.text)));
    Hang {
        kind,
        id: attempt.id.0,
        name: attempt.module.clone().map(Into::into),
        stage: piece.map(|piece| piece.stage),
        lasted_ns: lasted.map(|lasted| lasted.0),
        waiters: 0,
        headline: format!("a {} of {name} hangs{long}: {where_}", kind.word()),
        sentences,
    }
}

/// `in load_module, after X`, or in a function of its own.
fn place(place: Place) -> String {
    match place {
        Place::In(function) => format!("in {}", function.name()),
        within @ Place::Within { .. } => within.to_string(),
    }
}

fn of_request(request: &Request, end: Ktime, window: &Window) -> Hang {
    let lasted = request.start.map(|start| end.since(start));
    let helper = request.helper.as_ref();
    let where_ = match (helper, request.granted) {
        (Some(helper), _) => format!("its {} has not ended", helper.path),
        (None, None) => "it has no slot yet".to_owned(),
        (None, Some(_)) => "its modprobe was not seen to start".to_owned(),
    };
    let since = helper.map_or(request.granted.or(request.start), |helper| Some(helper.span.start));
    let long = lasted.map_or_else(String::new, |lasted| format!(" for {}", took(lasted)));
    Hang {
        kind: Kind::Request,
        id: request.id.0,
        name: Some(request.name.clone().into()),
        stage: None,
        lasted_ns: lasted.map(|lasted| lasted.0),
        waiters: 0,
        headline: format!(
            "a request of {} by {} hangs{long}: {where_}",
            request.name, request.comm
        ),
        sentences: vec![format!(
            "{} began{}; {where_}{}",
            asks(request),
            window.at(request.start),
            lasting(since, end, window)
        )],
    }
}

/// `attempt 3 of task 5 (modprobe) to load xfs`
fn what(attempt: &Attempt) -> String {
    let verb = if attempt.is_unload() { "unload" } else { "load" };
    let name = attempt.module.as_deref().unwrap_or("an unknown module");
    format!("attempt {} of {} to {verb} {name}", attempt.id.0, task(&attempt.task()))
}

fn asks(request: &Request) -> String {
    format!(
        "request {} of task {} ({}) for {}",
        request.id.0, request.tid.0, request.comm, request.name
    )
}

/// ` since 0.517 s (12.3 s)`
fn lasting(since: Option<Ktime>, end: Ktime, window: &Window) -> String {
    since.map_or_else(String::new, |since| {
        let long: Nanos = end.since(since);
        format!(", since {} ({})", window.seconds(since), took(long))
    })
}
