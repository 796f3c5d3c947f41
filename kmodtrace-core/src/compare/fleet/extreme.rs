//! The recordings that have most of something, and whether that is far from all others.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::{is_headline, matters};
use crate::compare::diff::{Crowd, Limits, Measured, Run};
use crate::measures::Unit;

/// Recordings that are named for a measure.
const NAMED: usize = 8;
/// Measures for which recordings are named, the first in their order.
const MEASURES: usize = 4_096;
/// How many times the distance between the quartiles a value is above the upper one that is far out: Tukey's outer fence.
const FENCE: u64 = 3;
/// Recordings of which there have to be as many before quartiles say what is usual.
pub(super) const ENOUGH: u64 = 8;

/// A recording of a fleet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Which {
    /// Its name.
    pub path: String,
    /// The machine's name; null where that was not recorded.
    pub host: Option<String>,
    /// The machine's id, hashed for kmodtrace; null where it was not recorded.
    pub machine_id: Option<String>,
    /// The release of its kernel.
    pub kernel_release: Option<String>,
}

/// A recording, and how much it has of something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Extreme {
    /// How much.
    pub value: u64,
    /// Which one.
    #[serde(flatten)]
    pub which: Arc<Which>,
}

/// A measure of which some recordings have far more than the others: above the upper quartile by more than three times the distance
/// between the quartiles (Tukey's outer fence), and by what `diff` takes to matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Far {
    /// Which one.
    #[serde(flatten)]
    pub measure: Measured,
    /// Half of all recordings have no more.
    pub median: u64,
    /// What is far is more than this.
    pub fence: u64,
    /// How many recordings have more, at least: values in the bucket of the fence count where they are among `farthest`.
    pub recordings: u64,
    /// Those with most of it, most first: at most eight.
    pub farthest: Vec<Extreme>,
}

/// The recordings with most of each measure.
#[derive(Debug, Default)]
pub(super) struct Extremes {
    of: BTreeMap<Measured, Vec<Extreme>>,
}

impl Extremes {
    pub(super) fn add(&mut self, run: &Run) {
        // Made for the first measure that it is named for: most recordings are named for none.
        let mut which = None;
        for (measure, value) in run
            .values()
            .filter(|(measure, value)| *value > 0 && is_headline(measure))
        {
            let most = match self.of.get_mut(measure) {
                Some(most) => most,
                None => self.of.entry(measure.clone()).or_default(),
            };
            let last = most.last().filter(|_| most.len() == NAMED);
            if last.is_none_or(|last| (value, &run.label) > (last.value, &last.which.path)) {
                let which = which.get_or_insert_with(|| Arc::new(Which::of(run)));
                let one = Extreme {
                    value,
                    which: which.clone(),
                };
                let at = most.partition_point(|other| *other > one);
                most.insert(at, one);
                most.truncate(NAMED);
            }
            if self.of.len() > MEASURES {
                self.of.pop_last();
            }
        }
    }

    /// Those that are far from the others in `all`, the farthest first; none where there are too few to say.
    pub(super) fn finish(self, all: &Crowd, limits: Limits, takes: &dyn Fn(&Measured) -> bool) -> Vec<Far> {
        let measures = self.of.into_iter().filter(|(measure, _)| takes(measure));
        let measures = measures.filter(|_| all.runs() >= ENOUGH);
        let mut far: Vec<Far> = measures
            .filter_map(|(measure, most)| Far::of(measure, most, all, limits))
            .collect();
        let distance = |far: &Far| {
            far.farthest
                .first()
                .map_or(0, |most| most.value.saturating_sub(far.median))
        };
        // Times before counts: a second is no number of attempts.
        far.sort_by_cached_key(|far| {
            let is_count = far.measure.unit != Unit::Nanoseconds;
            (is_count, std::cmp::Reverse(distance(far)), far.measure.clone())
        });
        far
    }
}

impl Far {
    fn of(measure: Measured, most: Vec<Extreme>, all: &Crowd, limits: Limits) -> Option<Self> {
        let values = all.values(&measure);
        let median = values.quantile(0.5)?;
        let (lower, upper) = (values.quantile(0.25)?, values.quantile(0.75)?);
        let fence = upper.saturating_add(FENCE.saturating_mul(upper.saturating_sub(lower)));
        let is_far = |value: u64| value > fence && matters(value, median, measure.unit, limits);
        let farthest: Vec<Extreme> = most.into_iter().filter(|one| is_far(one.value)).collect();
        let beyond = values
            .buckets()
            .filter(|bucket| bucket.lower >= fence && is_far(bucket.upper));
        let beyond: u64 = beyond.map(|bucket| bucket.count).sum();
        (!farthest.is_empty()).then(|| Self {
            measure,
            median,
            fence,
            recordings: beyond.max(farthest.len() as u64),
            farthest,
        })
    }
}

impl Which {
    fn of(run: &Run) -> Self {
        let recording = run.recording.as_ref();
        Self {
            path: run.label.clone(),
            host: recording.and_then(|recording| recording.host.clone()),
            machine_id: recording.and_then(|recording| recording.machine_id.clone()),
            kernel_release: run.kernel.release.clone(),
        }
    }
}
