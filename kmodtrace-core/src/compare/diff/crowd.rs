//! Many runs as one: how often each measure has which value.

use std::collections::{BTreeMap, BTreeSet};

use super::run::COMPARED;
use super::{Measured, Run};
use crate::analysis::histogram::Histogram;
use crate::measures::Unit;
use crate::plan::Observed;

/// Releases of kernels that are named, the first in their order.
const KERNELS: usize = 256;

/// Runs of which only is kept how often each measure has which value, to 2.3 %. Memory grows with measures, of which 65,536 are kept,
/// the first in their order, and with how widely their values are spread; not with runs. It does not matter in which order runs are
/// added.
#[derive(Clone, Debug, Default)]
pub struct Crowd {
    runs: u64,
    missing: u64,
    kernels: BTreeSet<String>,
    /// The first and the last of the names of the runs.
    ends: Option<(String, String)>,
    /// How many runs did not observe something.
    unobserved: BTreeMap<Observed, u64>,
    /// What was counted or timed. Runs that counted nothing are not in here.
    values: BTreeMap<Measured, Histogram>,
}

impl Crowd {
    /// Adds a run.
    pub fn add(&mut self, run: &Run) {
        self.add_some(run, |_| true);
    }

    /// Adds these measures of a run.
    pub(crate) fn add_some(&mut self, run: &Run, takes: impl Fn(&Measured) -> bool) {
        self.runs += 1;
        self.missing = self.missing.saturating_add(run.missing);
        if let Some(release) = &run.kernel.release
            && !self.kernels.contains(release)
        {
            self.kernels.insert(release.clone());
            if self.kernels.len() > KERNELS {
                self.kernels.pop_last();
            }
        }
        self.widen(&run.label);
        for what in run.source.coverage.lost() {
            *self.unobserved.entry(what).or_default() += 1;
        }
        for (measure, value) in run.values().filter(|(measure, _)| takes(measure)) {
            match self.values.get_mut(measure) {
                Some(values) => values.record(value),
                None => self.begin(measure, value),
            }
        }
    }

    fn widen(&mut self, label: &str) {
        match &mut self.ends {
            None => self.ends = Some((label.to_owned(), label.to_owned())),
            Some((first, _)) if label < first.as_str() => label.clone_into(first),
            Some((_, last)) if label > last.as_str() => label.clone_into(last),
            Some(_) => {}
        }
    }

    /// One more measure. One too many goes: as the last in their order goes each time, the same are left in the end whatever came first.
    fn begin(&mut self, measure: &Measured, value: u64) {
        let mut values = Histogram::default();
        values.record(value);
        self.values.insert(measure.clone(), values);
        if self.values.len() > COMPARED + 1 {
            self.values.pop_last();
        }
    }

    /// These measures of the runs that are not in `part`, which is of some of the same runs. Names of runs and kernels stay.
    pub(crate) fn without(&self, part: &Self, takes: impl Fn(&Measured) -> bool) -> Self {
        let mine = self.values.iter().filter(|(measure, _)| takes(measure));
        let values = mine.filter_map(|(measure, values)| {
            let rest = part
                .values
                .get(measure)
                .map_or_else(|| values.clone(), |part| values.without(part));
            (rest.count() > 0).then(|| (measure.clone(), rest))
        });
        let unobserved = self.unobserved.iter().map(|(what, runs)| {
            let less = part.unobserved.get(what).copied().unwrap_or_default();
            (*what, runs.saturating_sub(less))
        });
        Self {
            runs: self.runs.saturating_sub(part.runs),
            missing: self.missing.saturating_sub(part.missing),
            kernels: self.kernels.clone(),
            ends: self.ends.clone(),
            unobserved: unobserved.collect(),
            values: values.collect(),
        }
    }

    /// Whether there are more measures than are compared.
    pub(crate) fn has_more(&self) -> bool {
        self.values.len() > COMPARED
    }

    /// How many runs.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Records lost, probe hits missed and attempts clipped in all of them.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// The kernels of the runs: the first 256 in their order.
    pub(super) fn kernels(&self) -> &BTreeSet<String> {
        &self.kernels
    }

    /// The first and the last name of a run.
    pub(super) fn ends(&self) -> impl Iterator<Item = &String> {
        let ends = self.ends.iter();
        ends.flat_map(|(first, last)| [Some(first), (first != last).then_some(last)].into_iter().flatten())
    }

    /// Measures that some run has, and one too many where there are more than are compared.
    pub(crate) fn measures(&self) -> impl Iterator<Item = &Measured> {
        self.values.keys()
    }

    /// A value for each run that has one: what was not counted is 0, what was not timed is nothing, and so is what nobody watched.
    pub(crate) fn values(&self, measure: &Measured) -> Histogram {
        let mut values = self.values.get(measure).cloned().unwrap_or_default();
        if measure.unit != Unit::Nanoseconds {
            values.record_zeros(self.watched(measure).saturating_sub(values.count()));
        }
        values
    }

    /// How many runs could have had it.
    pub(crate) fn watched(&self, measure: &Measured) -> u64 {
        let unobserved = measure.observed.and_then(|what| self.unobserved.get(&what));
        self.runs.saturating_sub(unobserved.copied().unwrap_or_default())
    }
}
