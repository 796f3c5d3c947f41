//! One run, reduced to numbers: a value for each measure that it has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::aggregate::{Aggregates, KEPT, ModuleStats, RequestStats, kept};
use crate::analysis::histogram::Histogram;
use crate::analysis::origin::{self, KnownAttempt};
use crate::analysis::union::Union;
use crate::measures::{Compared, MAX, MEASURES, Measure, P50, Stat, Unit, Value};
use crate::model::{Attempt, AttemptId, Errno, Finished, Ktime, MARKS_KEPT, Name, Note, TaskRef};
use crate::plan::{Coverage, Observed};
use crate::report::{KernelRow, RecordingRow, Source};

/// Failed attempts whose errno is remembered for those that follow from them.
const REMEMBERED: usize = 8_192;
/// The time in which at least one load was in flight.
pub(crate) const IN_FLIGHT: &str = "loads in flight";
/// Measures that are compared, the first in their order: a thousand modules have some ten thousand. A run keeps one more, so that it shows
/// where there are others. What one run leaves out comes behind so many that it is not compared for the other runs either.
pub(crate) const COMPARED: usize = 1 << 16;

/// What a measure is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// Everything together.
    All,
    /// A module; null for loads that failed before their module had a name.
    Module(Option<String>),
    /// What the kernel requested.
    Request(String),
}

/// A measure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[schemars(rename = "Measure")]
pub struct Measured {
    /// What it is about.
    pub subject: Arc<About>,
    /// In words: `attempts`, `errno EBUSY`, `wait same-name total`.
    pub name: Arc<str>,
    /// In what.
    pub unit: Unit,
    /// What has to be seen for it; none for what every plan sees.
    #[serde(skip)]
    pub(super) observed: Option<Observed>,
}

/// What one recording came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which one it is, for people.
    pub label: String,
    /// Its kernel.
    pub kernel: KernelRow,
    /// How it was recorded.
    pub recording: Option<RecordingRow>,
    /// Records lost, probe hits missed, attempts clipped.
    pub missing: u64,
    pub(super) source: Source,
    values: BTreeMap<Measured, u64>,
}

/// Makes a run of what a session hands out.
#[derive(Debug, Default)]
pub struct RunFold {
    aggregates: Aggregates,
    known: BTreeMap<AttemptId, (TaskRef, Errno)>,
    failed: Vec<Attempt>,
    /// What these take.
    marks: usize,
    origins: BTreeMap<Option<Name>, BTreeMap<String, u64>>,
    in_flight: Union,
    /// The first beginning of loads that had not returned.
    open: Option<Ktime>,
}

impl RunFold {
    /// Adds what a session handed out.
    pub fn add(&mut self, finished: Finished) {
        self.aggregates.add(&finished);
        let Finished::Attempt(attempt) = finished else {
            return;
        };
        self.lasted(&attempt);
        if attempt.failed() {
            let task = attempt.task();
            self.known.insert(attempt.id, (task, attempt.errno.unwrap_or_default()));
            self.marks += attempt.marks();
            self.failed.push(*attempt);
            if self.failed.len() > REMEMBERED || self.marks > MARKS_KEPT {
                self.add_origins();
            }
        }
    }

    fn lasted(&mut self, attempt: &Attempt) {
        if attempt.is_unload() {
            return;
        }
        match (attempt.start, attempt.end) {
            (Some(start), Some(end)) => self.in_flight.add(start, end),
            (Some(start), None) if attempt.notes.contains(&Note::InFlight) => {
                self.open = Some(self.open.map_or(start, |open| open.min(start)));
            }
            _ => {}
        }
    }

    /// What a failure follows from may finish behind it, so origins are worked out some thousand failures at a time.
    fn add_origins(&mut self) {
        let known = |id: AttemptId| {
            let (task, errno) = self.known.get(&id)?;
            Some(KnownAttempt {
                task: task.clone(),
                errno: Some(*errno),
            })
        };
        for attempt in &self.failed {
            // By names only: how sure they are is not compared.
            if let Some(origin) = origin::of(attempt, &Coverage::default(), known) {
                let case = format!("{} from {}", origin.errno, origin.words());
                *kept(&mut self.origins, KEPT, &attempt.module).entry(case).or_default() += 1;
            }
        }
        self.failed.clear();
        self.marks = 0;
        self.known.clear();
    }

    /// Nothing more comes: the recording ends at this time.
    pub fn finish(self, label: String, source: Source, end: Ktime) -> Run {
        self.finish_with_sums(label, source, end).0
    }

    /// The same, and the sums that it was made of.
    pub(crate) fn finish_with_sums(mut self, label: String, source: Source, end: Ktime) -> (Run, Aggregates) {
        self.add_origins();
        if let Some(start) = self.open {
            self.in_flight.add(start, end);
        }
        let missing = [source.lost, source.missed, source.clipped];
        let mut values = Values::default();
        let mut all = ModuleStats::default();
        for (name, stats) in &self.aggregates.modules {
            values.module(About::Module(name.clone().map(Into::into)), stats, MEASURES.iter());
            all.merge(stats);
        }
        let of_all = MEASURES.iter().filter(|measure| measure.of_all);
        values.module(About::All, &all, of_all);
        let in_flight = self.in_flight.total();
        values.put(&Arc::new(About::All), IN_FLIGHT, Unit::Nanoseconds, None, in_flight);
        for (name, stats) in &self.aggregates.requests {
            values.request(About::Request(name.clone().into()), stats);
        }
        for (module, cases) in self.origins {
            let subject = Arc::new(About::Module(module.map(Into::into)));
            for (case, count) in cases {
                values.put(&subject, &format!("origin {case}"), Unit::Count, None, count);
            }
        }
        let run = Run {
            label,
            kernel: source.kernel.clone(),
            recording: source.recording.clone(),
            missing: missing.into_iter().flatten().fold(0, u64::saturating_add),
            values: values.kept,
            source,
        };
        (run, self.aggregates)
    }
}

impl Run {
    /// What it has for this measure. What was not counted is 0, what was not timed is nothing, and so is what nobody watched.
    pub(super) fn value(&self, measure: &Measured) -> Option<f64> {
        if !self.watches(measure) {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "three digits are shown, and ranks do not need more"
        )]
        let known = self.values.get(measure).map(|value| *value as f64);
        known.or((measure.unit != Unit::Nanoseconds).then_some(0.0))
    }

    /// Whether its recording ends before its time.
    pub(crate) fn truncated(&self) -> bool {
        self.source.truncated.is_some()
    }

    /// What was counted or timed, of all that its probes show, in the order of measures.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&Measured, u64)> {
        let values = self.values.iter().map(|(measure, value)| (measure, *value));
        values.filter(|(measure, _)| self.watches(measure))
    }

    /// The measures.
    pub(super) fn measures(&self) -> impl Iterator<Item = &Measured> {
        self.values.keys()
    }

    /// Whether its probes show this.
    pub(super) fn watches(&self, measure: &Measured) -> bool {
        measure.observed.is_none_or(|what| self.source.coverage.observed(what))
    }
}

#[derive(Default)]
struct Values {
    kept: BTreeMap<Measured, u64>,
    /// Each name once, for all subjects.
    names: BTreeSet<Arc<str>>,
}

impl Values {
    fn put(&mut self, subject: &Arc<About>, name: &str, unit: Unit, observed: Option<Observed>, value: u64) {
        let name = self.names.get(name).map_or_else(|| name.into(), Arc::clone);
        self.names.insert(Arc::clone(&name));
        let measure = Measured {
            subject: Arc::clone(subject),
            name,
            unit,
            observed,
        };
        self.kept.insert(measure, value);
        if self.kept.len() > COMPARED + 1 {
            self.kept.pop_last();
        }
    }

    /// Of a distribution these statistics, where there are any.
    fn times(
        &mut self,
        subject: &Arc<About>,
        words: &str,
        observed: Option<Observed>,
        times: &Histogram,
        parts: &[(&Stat, &str)],
    ) {
        for (stat, called) in parts {
            // How often is known also of what never was, and how long is not.
            let known = stat.unit == Unit::Count || times.count() > 0;
            if let Some(value) = (stat.of)(times).filter(|_| known) {
                self.put(subject, &format!("{words} {called}"), stat.unit, observed, value);
            }
        }
    }

    fn module(&mut self, subject: About, stats: &ModuleStats, measures: impl Iterator<Item = &'static Measure>) {
        let subject = &Arc::new(subject);
        for measure in measures {
            let observed = measure.observed;
            match (measure.value, measure.compared) {
                (Value::Number(unit, of), Compared::Number(words) | Compared::Any(words)) => {
                    let always = matches!(measure.compared, Compared::Number(_));
                    if let Some(value) = of(stats).filter(|value| always || *value > 0) {
                        self.put(subject, words, unit, observed, value);
                    }
                }
                (Value::Outcomes(of), Compared::Number(words) | Compared::Any(words)) => {
                    for (errno, count) in &of(stats).outcomes {
                        self.put(subject, &format!("{words} {errno}"), Unit::Count, observed, *count);
                    }
                }
                (Value::Times(_, of), Compared::Parts(words, parts)) => {
                    if let Some(times) = of(stats) {
                        self.times(subject, words, observed, times, parts);
                    }
                }
                _ => {}
            }
        }
    }

    fn request(&mut self, subject: About, stats: &RequestStats) {
        let subject = &Arc::new(subject);
        let observed = Some(Observed::Requests);
        self.put(subject, "requests", Unit::Count, observed, stats.count);
        for (outcome, count) in &stats.outcomes {
            self.put(subject, &format!("answer {outcome}"), Unit::Count, observed, *count);
        }
        let (parts, slots) = (&[(&P50, "p50"), (&MAX, "max")], Some(Observed::SlotWaits));
        self.times(subject, "slot", slots, &stats.slot, parts);
        self.times(subject, "total", observed, &stats.total, parts);
    }
}
