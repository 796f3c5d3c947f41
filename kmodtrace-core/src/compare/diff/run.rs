//! One run, reduced to numbers: a value for each measure that it has.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::aggregate::{Aggregates, ModuleStats, RequestStats};
use crate::analysis::histogram::Histogram;
use crate::analysis::origin::{self, Known};
use crate::model::{Attempt, AttemptId, Errno, Finished, ModuleState, TaskRef, WaitKind};
use crate::plan::{Coverage, Observed};
use crate::report::{Kernel, Source};

/// Failed attempts whose errno is remembered for those that follow from them.
const REMEMBERED: usize = 8_192;

/// What a measure is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// Everything together.
    All,
    /// A module; null for loads that failed before their module had a name.
    Module(Option<String>),
    /// What the kernel requested.
    Request(String),
}

/// In what it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// How many.
    Count,
    /// Nanoseconds.
    Nanoseconds,
    /// Bytes.
    Bytes,
}

/// A measure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Measure {
    /// What it is about.
    pub subject: Subject,
    /// In words: `attempts`, `errno EBUSY`, `wait same-name total`.
    pub name: String,
    /// In what.
    pub unit: Unit,
}

/// What one recording came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which one it is, for people.
    pub label: String,
    /// Its kernel.
    pub kernel: Kernel,
    /// Records lost, probe hits missed, attempts clipped.
    pub missing: u64,
    pub(super) source: Source,
    pub(super) values: BTreeMap<Measure, f64>,
}

/// Makes a run of what a session hands out.
#[derive(Debug, Default)]
pub struct RunFold {
    aggregates: Aggregates,
    known: BTreeMap<AttemptId, (TaskRef, Errno)>,
    failed: Vec<Attempt>,
    origins: BTreeMap<(Option<String>, String), u64>,
}

impl RunFold {
    /// Adds what a session handed out.
    pub fn add(&mut self, finished: Finished) {
        self.aggregates.add(&finished);
        if let Finished::Attempt(attempt) = finished
            && attempt.failed()
        {
            let task = attempt.task();
            self.known.insert(attempt.id, (task, attempt.errno.unwrap_or_default()));
            self.failed.push(*attempt);
            if self.failed.len() > REMEMBERED {
                self.settle();
            }
        }
    }

    /// What a failure follows from may finish behind it, so origins are worked out some thousand failures at a time.
    fn settle(&mut self) {
        let known = |id: AttemptId| {
            let (task, errno) = self.known.get(&id)?;
            Some(Known {
                task: task.clone(),
                errno: Some(*errno),
            })
        };
        for attempt in &self.failed {
            // By names only: how sure they are is not compared.
            if let Some(origin) = origin::of(attempt, &Coverage::default(), known) {
                let case = format!("{} from {}", origin.errno, origin.words());
                *self.origins.entry((attempt.module.clone(), case)).or_default() += 1;
            }
        }
        self.failed.clear();
        self.known.clear();
    }

    /// Nothing more comes.
    pub fn finish(self, label: String, source: Source) -> Run {
        self.finish_with_sums(label, source).0
    }

    /// The same, and the sums that it was made of.
    pub(crate) fn finish_with_sums(mut self, label: String, source: Source) -> (Run, Aggregates) {
        self.settle();
        let missing = [source.lost, source.missed, source.clipped];
        let mut values = Values(BTreeMap::new());
        let mut all = ModuleStats::default();
        for (name, stats) in &self.aggregates.modules {
            values.module(&Subject::Module(name.clone()), stats);
            all.merge(stats);
        }
        values.calls(&Subject::All, &all);
        values.waits(&Subject::All, &all);
        for (name, stats) in &self.aggregates.requests {
            values.request(&Subject::Request(name.clone()), stats);
        }
        for ((module, case), count) in self.origins {
            values.count(&Subject::Module(module), &format!("origin {case}"), count);
        }
        let run = Run {
            label,
            kernel: source.kernel.clone(),
            missing: missing.iter().flatten().sum(),
            values: values.0,
            source,
        };
        (run, self.aggregates)
    }
}

impl Run {
    /// What it has for this measure. What was not counted is 0, what was not timed is nothing, and so is what nobody watched.
    pub(super) fn value(&self, measure: &Measure) -> Option<f64> {
        if !self.watches(measure) {
            return None;
        }
        let known = self.values.get(measure).copied();
        known.or((measure.unit != Unit::Nanoseconds).then_some(0.0))
    }

    /// Whether its probes show this.
    pub(super) fn watches(&self, measure: &Measure) -> bool {
        let words: Vec<&str> = measure.name.split(' ').collect();
        let what = match words.as_slice() {
            ["wait", kind, ..] => {
                let kind = WaitKind::ALL.into_iter().find(|known| known.name() == *kind);
                kind.map_or(Observed::Requests, Observed::waits)
            }
            ["met", "IN_FLIGHT"] => Observed::SameInodeWaits,
            ["met", ..] => Observed::Collisions,
            ["init", ..] => Observed::InitTimes,
            ["GOING", ..] => Observed::GoingWindows,
            ["wasted"] => Observed::ReadBytes,
            ["slot", ..] => Observed::SlotWaits,
            _ if matches!(measure.subject, Subject::Request(_)) => Observed::Requests,
            _ => return true,
        };
        self.source.coverage.observed(what)
    }
}

struct Values(BTreeMap<Measure, f64>);

impl Values {
    fn put(&mut self, subject: &Subject, name: &str, unit: Unit, value: u64) {
        let measure = Measure {
            subject: subject.clone(),
            name: name.to_owned(),
            unit,
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "three digits are shown, and ranks do not need more"
        )]
        self.0.insert(measure, value as f64);
    }

    fn count(&mut self, subject: &Subject, name: &str, value: u64) {
        self.put(subject, name, Unit::Count, value);
    }

    /// Half of them, and the longest, where there were any.
    fn times(&mut self, subject: &Subject, name: &str, times: &Histogram) {
        for (part, value) in [("p50", times.quantile(0.5)), ("max", times.max())] {
            if let Some(value) = value {
                self.put(subject, &format!("{name} {part}"), Unit::Nanoseconds, value);
            }
        }
    }

    fn calls(&mut self, subject: &Subject, stats: &ModuleStats) {
        self.count(subject, "attempts", stats.loads.count);
        for (errno, count) in &stats.loads.outcomes {
            self.count(subject, &format!("errno {errno}"), *count);
        }
    }

    fn waits(&mut self, subject: &Subject, stats: &ModuleStats) {
        for (kind, waits) in &stats.waits {
            let name = format!("wait {}", kind.name());
            self.count(subject, &format!("{name} count"), waits.count());
            self.put(subject, &format!("{name} total"), Unit::Nanoseconds, waits.sum());
            self.times(subject, &name, waits);
        }
    }

    fn module(&mut self, subject: &Subject, stats: &ModuleStats) {
        self.calls(subject, stats);
        self.waits(subject, stats);
        self.times(subject, "load", &stats.load);
        self.count(subject, "init runs", stats.init.count());
        if stats.init.count() > 0 {
            self.put(subject, "init total", Unit::Nanoseconds, stats.init.sum());
        }
        self.times(subject, "init", &stats.init);
        for (state, count) in &stats.collisions {
            self.count(subject, &format!("met {}", state.name()), *count);
        }
        if let Some(going) = stats.states.get(&ModuleState::Going) {
            self.count(subject, "GOING windows", going.spans);
            self.put(subject, "GOING total", Unit::Nanoseconds, going.total_ns);
        }
        self.put(subject, "wasted", Unit::Bytes, stats.wasted_bytes);
        if stats.unloads.count > 0 {
            self.count(subject, "unloads", stats.unloads.count);
        }
    }

    fn request(&mut self, subject: &Subject, stats: &RequestStats) {
        self.count(subject, "requests", stats.count);
        for (outcome, count) in &stats.outcomes {
            self.count(subject, &format!("answer {outcome}"), *count);
        }
        self.times(subject, "slot", &stats.slot);
        self.times(subject, "total", &stats.total);
    }
}
