//! What differs between two sets of runs, and whether that is noise.
//!
//! Each recording is one sample. A measure is called different only where two sets of runs of the same kind would differ as
//! much, in any measure, less often than `alpha`; and where the difference is large enough to matter. With too few runs to
//! ever say so, that is said instead.

mod crowd;
mod html;
mod rank;
mod run;
mod text;
mod told;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::histogram::Histogram;
use crate::measures::Unit;
use crate::report::RecordingRow;

pub use crowd::Crowd;
pub(crate) use html::Strip;
pub use html::write_html;
pub(crate) use rank::median;
pub(crate) use run::COMPARED;
pub(crate) use run::IN_FLIGHT;
pub use run::{About, Measured, Run, RunFold};
pub use text::write_text;
pub use told::value_text;
pub(crate) use told::{TITLES, Told, value_or_none};

/// Name and version of the JSON.
pub const SCHEMA: &str = "kmodtrace.diff/1";

/// From when on something is different.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Limits {
    /// How often a table without any difference may have one.
    pub alpha: f64,
    /// By which factor medians have to differ at least.
    pub factor: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            alpha: 0.05,
            factor: 1.2,
        }
    }
}

/// Times below this are noise of the clock and of the scheduler: a difference of less matters to nobody.
const LEAST_NS: f64 = 100_000.0;

/// Whether it can matter to anybody that something is by so much more or less.
pub(crate) fn is_noticed(change: f64, unit: Unit) -> bool {
    change.abs() >= if unit == Unit::Nanoseconds { LEAST_NS } else { 1.0 }
}

/// A comparison.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Diff {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The first set.
    pub first: Set,
    /// The second one.
    pub second: Set,
    /// From when on something is different.
    pub limits: Limits,
    /// The least chance that so many runs can show; nothing can be called different where it is above `alpha`.
    pub least: f64,
    /// Every measure: first what is new or has vanished, then what changed, the largest change first, then the rest.
    pub rows: Vec<DiffRow>,
    /// Whether there are more than 65,536 measures, of which only the first by the names of modules and requests are compared.
    pub more: bool,
    /// Measures that some run did not observe, and which are not compared.
    pub unobserved: Vec<String>,
}

/// Runs of one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Set {
    /// How many.
    pub count: u64,
    /// What each is called; of many only the first and the last.
    pub runs: Vec<String>,
    /// How each was recorded; empty where there are many.
    pub recordings: Vec<Option<RecordingRow>>,
    /// Their kernels, each once; the first 256 where there are many.
    pub kernels: Vec<String>,
    /// Records lost, probe hits missed and attempts clipped in all of them.
    pub missing: u64,
}

/// A measure on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DiffRow {
    /// Which one.
    #[serde(flatten)]
    pub measure: Measured,
    /// What came of it.
    pub verdict: Difference,
    /// Medians over the runs; null where no run has a value.
    pub first: Option<f64>,
    /// Of the second set.
    pub second: Option<f64>,
    /// The value of each run; empty where there are many.
    pub first_values: Vec<Option<f64>>,
    /// Of the second set.
    pub second_values: Vec<Option<f64>>,
    /// By how much the second is more: the median of all differences.
    pub change: Option<f64>,
    /// The second median over the first; null where that is 0.
    pub factor: Option<f64>,
    /// How often sets without a difference would differ as much in this measure.
    pub p: Option<f64>,
    /// The same in any of the measures of this table.
    pub p_any: Option<f64>,
}

/// What a measure comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// In no run of the first set, and that is no chance.
    New,
    /// In no run of the second set, and that is no chance.
    Vanished,
    /// The second is more.
    More,
    /// The second is less.
    Less,
    /// In one of the sets only, but so few runs may be chance.
    PerhapsNew,
    /// The same the other way around.
    PerhapsVanished,
    /// It differs, but less than would matter.
    Small,
    /// Chance would do as much.
    Noise,
}

impl Diff {
    /// Compares. Empty sets have nothing to compare.
    pub fn new(first: &[Run], second: &[Run], limits: Limits) -> Self {
        let runs: Vec<&Run> = first.iter().chain(second).collect();
        let measures = runs.iter().flat_map(|run| run.measures());
        let measures = Measures::new(measures, |measure| runs.iter().all(|run| run.watches(measure)));
        let values: Vec<rank::Values> = measures
            .watched
            .iter()
            .map(|measure| runs.iter().map(|run| run.value(measure)).collect())
            .collect();
        let most = rank::most(measures.watched.len(), runs.len());
        let chances = rank::chances(&values, first.len(), runs.len(), most);
        let rows = measures.watched.iter().zip(values).zip(chances);
        let rows = rows
            .map(|((measure, values), chance)| DiffRow::new((*measure).clone(), &values, first.len(), &chance, limits));
        let rows = rows.collect();
        let least = rank::least(first.len(), second.len(), most);
        measures.compared([Set::new(first), Set::new(second)], rows, least, limits)
    }

    /// Compares sets of many runs, as one of so many comparisons that are made of the same runs: a difference is one where any of all
    /// these would show it by chance less often than `alpha` (Bonferroni's bound). A run is a sample of what it observed.
    pub fn of_many(first: &Crowd, second: &Crowd, comparisons: u64, limits: Limits) -> Self {
        let measures = Measures::new(first.measures().chain(second.measures()), |measure| {
            first.watched(measure) > 0 && second.watched(measure) > 0
        });
        let tests = (measures.watched.len() as u64)
            .max(1)
            .saturating_mul(comparisons.max(1));
        #[expect(clippy::cast_precision_loss, reason = "some ten thousand measures")]
        let tests = tests as f64;
        let rows = measures.watched.iter();
        let rows = rows
            .map(|measure| DiffRow::of_many(measure, &first.values(measure), &second.values(measure), tests, limits));
        let rows = rows.collect();
        let least = (rank::least_of_many(first.runs(), second.runs()) * tests).min(1.0);
        measures.compared([first, second].map(Set::of_many), rows, least, limits)
    }

    /// Whether so many runs could show a difference at all.
    pub fn can_decide(&self) -> bool {
        self.least <= self.limits.alpha
    }

    /// What is different for sure.
    pub fn differences(&self) -> impl Iterator<Item = &DiffRow> {
        self.rows.iter().filter(|row| row.verdict.is_different())
    }
}

/// The measures of two sets.
struct Measures<'m> {
    /// Those that are compared.
    watched: Vec<&'m Measured>,
    /// Those that some run did not observe.
    unwatched: Vec<&'m Measured>,
    /// Whether there are more.
    more: bool,
}

impl<'m> Measures<'m> {
    fn new(all: impl Iterator<Item = &'m Measured>, is_watched: impl Fn(&Measured) -> bool) -> Self {
        let all: BTreeSet<&Measured> = all.collect();
        let more = all.len() > COMPARED;
        let (watched, unwatched) = all.into_iter().take(COMPARED).partition(|measure| is_watched(measure));
        Self {
            watched,
            unwatched,
            more,
        }
    }

    /// The comparison with these rows, which are put in order.
    fn compared(self, [first, second]: [Set; 2], mut rows: Vec<DiffRow>, least: f64, limits: Limits) -> Diff {
        DiffRow::sort(&mut rows);
        let names: BTreeSet<&str> = self.unwatched.iter().map(|measure| &*measure.name).collect();
        Diff {
            schema: SCHEMA,
            first,
            second,
            limits,
            least,
            rows,
            more: self.more,
            unobserved: names.into_iter().map(str::to_owned).collect(),
        }
    }
}

impl Difference {
    /// Whether it is a difference that is no chance and matters.
    pub fn is_different(self) -> bool {
        matches!(self, Self::New | Self::Vanished | Self::More | Self::Less)
    }

    fn rank(self) -> u8 {
        match self {
            Self::New | Self::Vanished => 0,
            Self::More | Self::Less => 1,
            Self::PerhapsNew | Self::PerhapsVanished => 2,
            Self::Small => 3,
            Self::Noise => 4,
        }
    }
}

impl Set {
    fn new(runs: &[Run]) -> Self {
        let kernels: BTreeSet<String> = runs.iter().filter_map(|run| run.kernel.release.clone()).collect();
        Self {
            count: runs.len() as u64,
            runs: runs.iter().map(|run| run.label.clone()).collect(),
            recordings: runs.iter().map(|run| run.recording.clone()).collect(),
            kernels: kernels.into_iter().collect(),
            missing: runs.iter().map(|run| run.missing).fold(0, u64::saturating_add),
        }
    }

    fn of_many(crowd: &Crowd) -> Self {
        Self {
            count: crowd.runs(),
            runs: crowd.ends().cloned().collect(),
            recordings: Vec::new(),
            kernels: crowd.kernels().iter().cloned().collect(),
            missing: crowd.missing(),
        }
    }
}

impl DiffRow {
    fn sort(rows: &mut [Self]) {
        rows.sort_unstable_by(|a, b| {
            let size = |row: &Self| {
                row.factor
                    .map_or(f64::INFINITY, |factor| factor.max(f64::MIN_POSITIVE).ln().abs())
            };
            let by_size = || size(b).total_cmp(&size(a)).then_with(|| a.measure.cmp(&b.measure));
            a.verdict.rank().cmp(&b.verdict.rank()).then_with(by_size)
        });
    }

    fn of_many(measure: &Measured, before: &Histogram, after: &Histogram, tests: f64, limits: Limits) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let median = |values: &Histogram| values.quantile(0.5).map(|value| value as f64);
        let chance = rank::chance_of_many(before, after);
        let none = |values: &Histogram| values.max().is_none_or(|most| most == 0);
        let row = Self {
            verdict: Difference::Noise,
            first: median(before),
            second: median(after),
            first_values: Vec::new(),
            second_values: Vec::new(),
            change: rank::shift_of_many(before, after),
            factor: None,
            p: chance,
            p_any: chance.map(|p| (p * tests).min(1.0)),
            measure: measure.clone(),
        };
        row.judged([before, after].map(none), limits)
    }

    fn new(measure: Measured, values: &[Option<f64>], first: usize, chance: &rank::Chance, limits: Limits) -> Self {
        let (before, after) = values.split_at(first);
        let known = |values: &[Option<f64>]| values.iter().flatten().copied().collect::<Vec<f64>>();
        let (known_before, known_after) = (known(before), known(after));
        let none = [&known_before, &known_after].map(|values| values.iter().all(|value| *value == 0.0));
        let row = Self {
            verdict: Difference::Noise,
            first: rank::median(&known_before),
            second: rank::median(&known_after),
            first_values: before.to_vec(),
            second_values: after.to_vec(),
            change: rank::shift(&known_before, &known_after),
            factor: None,
            p: chance.alone,
            p_any: chance.among_all,
            measure,
        };
        row.judged(none, limits)
    }

    /// The same with what is to be said of it; `none` is whether the sets have nothing but zeros.
    fn judged(mut self, none: [bool; 2], limits: Limits) -> Self {
        let medians = self.first.zip(self.second).filter(|(first, _)| *first > 0.0);
        self.factor = medians.map(|(first, second)| second / first);
        self.verdict = self.judge(none, limits);
        self
    }

    /// Whether the difference is large enough, chance or not.
    fn matters(&self, limits: Limits) -> bool {
        let far = self
            .factor
            .is_none_or(|factor| factor >= limits.factor || factor <= 1.0 / limits.factor);
        far && self.change.is_some_and(|change| is_noticed(change, self.measure.unit))
    }

    fn judge(&self, none: [bool; 2], limits: Limits) -> Difference {
        let sure = self.p_any.is_some_and(|p| p <= limits.alpha);
        if self.measure.unit == Unit::Count {
            match (none, sure) {
                ([true, false], true) => return Difference::New,
                ([true, false], false) => return Difference::PerhapsNew,
                ([false, true], true) => return Difference::Vanished,
                ([false, true], false) => return Difference::PerhapsVanished,
                ([true, true], _) => return Difference::Noise,
                ([false, false], _) => {}
            }
        }
        match self.change {
            Some(_) if sure && !self.matters(limits) => Difference::Small,
            Some(more) if sure && more > 0.0 => Difference::More,
            Some(_) if sure => Difference::Less,
            _ => Difference::Noise,
        }
    }
}
