//! What a module, or a request, cost.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::stages::stages;
use crate::analysis::union::Union;
use crate::model::{Attempt, Ktime, Name, Nanos, Request, Stage, entry_or};
use crate::plan::{Coverage, Observed};
use crate::text::{bytes_text, span_text};

/// Names that are counted apart: a machine has some hundred modules, but users choose names.
pub(super) const KEPT: usize = 8_192;
/// Costs that are told.
const TOLD: usize = 16;

/// What the loads of a module cost, or requests of a name for which nothing was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Cost {
    /// The module; null for loads whose module has no name, and for a request.
    pub module: Option<String>,
    /// The requested name; null for a module.
    pub request: Option<String>,
    /// Calls, or requests.
    pub count: u64,
    /// Nanoseconds in which at least one of them was in flight.
    pub wall_ns: u64,
    /// Nanoseconds that tasks spent in them, added up.
    pub task_ns: u64,
    /// Those that waited for another task's load.
    pub waiters: u64,
    /// Nanoseconds that these waited, added up.
    pub waited_ns: u64,
    /// The shortest of these waits.
    pub shortest_ns: u64,
    /// The longest.
    pub longest_ns: u64,
    /// Bytes read by loads that failed; null when nobody watched.
    pub wasted_bytes: Option<u64>,
    /// `id` of the attempt that went ahead and took longest; null where none did.
    pub attempt: Option<u64>,
    /// Its task's name.
    pub comm: Option<String>,
    /// From its entry to its return, or to the end of the recording.
    pub attempt_ns: Option<u64>,
    /// Whether it had returned by then.
    pub returned: bool,
    /// What took most of that.
    pub stage: Option<Stage>,
    /// How much.
    pub stage_ns: Option<u64>,
    /// In words, without the name.
    pub sentence: String,
}

#[derive(Debug, Default)]
struct Spent {
    cost: Cost,
    union: Union,
    /// The load that went ahead and took longest.
    longest: Option<Nanos>,
}

#[derive(Debug, Default)]
pub(super) struct Costs {
    modules: BTreeMap<Option<Name>, Spent>,
    requests: BTreeMap<Name, Spent>,
}

impl Costs {
    pub(super) fn attempt(&mut self, attempt: &Attempt, waited: u64) {
        let spent = entry_or(&mut self.modules, KEPT, attempt.module.clone(), |_| None).or_default();
        spent.count(attempt.start, attempt.end);
        let cost = &mut spent.cost;
        if waited > 0 {
            cost.waiters += 1;
            cost.waited_ns = cost.waited_ns.saturating_add(waited);
            cost.longest_ns = cost.longest_ns.max(waited);
            cost.shortest_ns = if cost.waiters == 1 {
                waited
            } else {
                cost.shortest_ns.min(waited)
            };
        }
        if attempt.failed() {
            let before = cost.wasted_bytes.unwrap_or_default();
            cost.wasted_bytes = Some(before.saturating_add(attempt.bytes().unwrap_or_default()));
        }
        let ahead = waited == 0 || attempt.init.is_some();
        if let Some(long) = attempt.duration().filter(|long| ahead && spent.longest < Some(*long)) {
            spent.longest = Some(long);
            let stages = stages(attempt);
            let mut by_stage: BTreeMap<Stage, u64> = BTreeMap::new();
            for piece in &stages {
                *by_stage.entry(piece.stage).or_default() += piece.duration.0;
            }
            let most = by_stage.into_iter().max_by_key(|(_, long)| *long);
            let cost = &mut spent.cost;
            cost.attempt = Some(attempt.id.0);
            cost.comm = Some(attempt.comm.clone().into());
            cost.attempt_ns = Some(long.0);
            cost.returned = attempt.errno.is_some();
            cost.stage = most.map(|(stage, _)| stage);
            cost.stage_ns = most.map(|(_, long)| long);
        }
    }

    /// Requests for which something was loaded are told with that.
    pub(super) fn request(&mut self, request: &Request) {
        let loaded = request
            .helper
            .as_ref()
            .is_some_and(|helper| !helper.attempts.is_empty());
        if loaded {
            return;
        }
        let spent = entry_or(&mut self.requests, KEPT, request.name.clone(), |_| Name::default()).or_default();
        spent.count(request.start, request.end);
    }

    /// Those that cost most.
    pub(super) fn list(self, coverage: &Coverage) -> Vec<Cost> {
        let modules = self.modules.into_iter().map(|(module, spent)| Cost {
            module: module.map(Into::into),
            ..spent.cost(coverage)
        });
        let requests = self.requests.into_iter().map(|(name, spent)| Cost {
            request: Some(name.into()),
            ..spent.cost(coverage)
        });
        let mut all: Vec<Cost> = modules.chain(requests).collect();
        all.sort_by_key(|cost| std::cmp::Reverse((cost.task_ns, cost.wall_ns)));
        all.truncate(TOLD);
        for cost in &mut all {
            cost.sentence = cost.words();
        }
        all
    }
}

impl Spent {
    fn count(&mut self, start: Option<Ktime>, end: Option<Ktime>) {
        self.cost.count += 1;
        if let (Some(start), Some(end)) = (start, end) {
            self.union.add(start, end);
            self.cost.task_ns = self.cost.task_ns.saturating_add(end.since(start).0);
        }
    }

    fn cost(self, coverage: &Coverage) -> Cost {
        let wasted = self.cost.wasted_bytes.unwrap_or_default();
        Cost {
            wall_ns: self.union.total(),
            wasted_bytes: coverage.observed(Observed::ReadBytes).then_some(wasted),
            ..self.cost
        }
    }
}

impl Cost {
    fn words(&self) -> String {
        let total = span_text(self.task_ns);
        if self.request.is_some() {
            return match self.count {
                1 => format!("a request took {total}, and nothing was loaded for it"),
                count => format!("{count} requests took {total} in all, and nothing was loaded for them"),
            };
        }
        let wasted = match self.wasted_bytes {
            Some(bytes @ 1..) => format!("; {} were read for nothing", bytes_text(bytes)),
            _ => String::new(),
        };
        format!("{}{wasted}", self.time())
    }

    fn time(&self) -> String {
        let stage = match (self.stage, self.stage_ns) {
            (Some(stage), Some(long)) => format!("; {} took {} of that", stage.doing(), span_text(long)),
            _ => String::new(),
        };
        let by = self.comm.as_deref().unwrap_or("an unknown task");
        let attempt = self.attempt.zip(self.attempt_ns);
        let took = if self.returned {
            "took"
        } else {
            "has not returned after"
        };
        let owner = attempt.map(|(id, long)| format!("attempt {id} of {by} {took} {}", span_text(long)));
        let total = span_text(self.task_ns);
        match (self.waiters, owner) {
            (0, Some(owner)) if self.count == 1 => format!("{owner}{stage}"),
            (0, Some(owner)) => format!("{} loads took {total} in all; {owner}{stage}", self.count),
            (0, None) => format!("{} loads took {total} in all", self.count),
            (waiters, owner) => {
                let tasks = if waiters == 1 { "task" } else { "tasks" };
                let (longest, alike) = (span_text(self.longest_ns), self.shortest_ns >= self.longest_ns / 5 * 4);
                let each = match (waiters, alike) {
                    (1, _) => longest,
                    (_, true) => format!("{longest} each ({} in all)", span_text(self.waited_ns)),
                    (_, false) => format!("up to {longest} ({} in all)", span_text(self.waited_ns)),
                };
                let owner = owner.map_or_else(String::new, |owner| format!(": {owner}{stage}"));
                format!("{waiters} {tasks} waited {each}{owner}")
            }
        }
    }
}
