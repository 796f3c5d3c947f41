//! What a session has come to: its steps in the order of their commits, and where the change is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::criteria::Criteria;
use super::judge::{RunVerdict, Verdict, judge_run, shares, tally};
use super::sample::Sample;
use super::sequential::Shares;
use super::session::{Commit, Known, Step};
use crate::compare::diff::{Diff, Limits, Run};
use crate::measures::Unit;

/// Name and version of the JSON.
const SCHEMA: &str = "kmodtrace.bisect-report/1";

/// A session, to be shown.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// Name and version of this JSON.
    pub schema: &'static str,
    /// What it goes by.
    pub terms: Criteria,
    /// In which share of their runs commits are taken to be bad, by what is known now.
    pub shares: Shares,
    /// What is compared at each step: a field of a rule, in the order of rules.
    pub measures: Vec<MeasureHead>,
    /// Steps in the order of their commits, and behind them those without one.
    pub steps: Vec<StepRow>,
    /// Where the change is.
    pub conclusion: Conclusion,
    /// All runs of the last good commit beside those of the first bad one.
    pub diff: Option<Diff>,
    /// What of the session cannot be read.
    pub damage: Vec<String>,
}

/// Something that runs have a value of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MeasureHead {
    /// Its rule.
    pub rule: String,
    /// The field.
    pub field: String,
    /// In what it is measured.
    pub unit: Unit,
}

/// A step.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StepRow {
    /// Its number.
    pub number: u32,
    /// What its user calls it.
    pub label: Option<String>,
    /// Its commit.
    pub commit: Option<Commit>,
    /// When it began, nanoseconds since 1970.
    pub began_ns: u64,
    /// Kernels that its recordings are of, each once.
    pub kernels: Vec<String>,
    /// What was told; null where it was interrupted or marked before.
    pub verdict: Option<Verdict>,
    /// Why.
    pub why: Option<String>,
    /// What its user says.
    pub known: Option<Known>,
    /// Its runs.
    pub runs: Vec<RunRow>,
    /// Numbers of runs that did not come to their end.
    pub interrupted: Vec<u32>,
}

/// A run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunRow {
    /// Its number.
    pub number: u32,
    /// What it is by the rules.
    pub verdict: RunVerdict,
    /// Why.
    pub why: String,
    /// How its command ended.
    pub status: u8,
    /// After how long.
    pub duration_ns: u64,
    /// The name of its recording.
    pub recording: Option<String>,
    /// The name of the file with what the command said.
    pub console: String,
    /// Values of the measures; null where there is none, or it was not observed.
    pub values: Vec<Option<f64>>,
}

/// Where the change is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Conclusion {
    /// The number of the last good step before the first bad one.
    pub last_good: Option<u32>,
    /// The number of the first bad step.
    pub first_bad: Option<u32>,
    /// How many commits it may be: 1 where the bad one follows the good one.
    pub candidates: Option<u64>,
    /// Steps that speak against it: good ones with more commits below them than a bad one has.
    pub against: Vec<u32>,
}

/// A step, and what its runs left.
pub type Kept = (Step, Vec<Sample>);

impl Summary {
    /// Sums a session up.
    pub fn new(terms: Criteria, mut kept: Vec<Kept>, damage: Vec<String>) -> Self {
        // Stable: steps of one commit, and those without, stay as they were made.
        kept.sort_by_key(|(step, _)| step.head.commit.as_ref().map_or(u64::MAX, |commit| commit.depth));
        let of = |known| -> Vec<&Sample> {
            let steps = kept.iter().filter(|(step, _)| step.known() == Some(known));
            steps.flat_map(|(_, samples)| samples).collect()
        };
        let (good, bad) = (of(Known::Good), of(Known::Bad));
        let count = |samples: &[&Sample]| {
            let judged: Vec<_> = samples.iter().map(|sample| judge_run(&terms, sample, &good)).collect();
            tally(&judged)
        };
        let shares = shares(&terms, count(&bad), count(&good));
        let conclusion = Conclusion::from_steps(kept.iter().map(|(step, _)| step));
        // All runs of its commit: more of them may have been recorded when it was found.
        let runs = |number: Option<u32>| -> Option<Vec<Run>> {
            let (found, _) = kept.iter().find(|(step, _)| Some(step.head.number) == number)?;
            let same = kept.iter().filter(|(step, _)| step.commit() == found.commit());
            let recorded = same
                .flat_map(|(_, samples)| samples)
                .filter_map(|sample| sample.recorded.as_ref().ok());
            let runs: Vec<Run> = recorded.map(|recorded| recorded.run.clone()).collect();
            (!runs.is_empty()).then_some(runs)
        };
        let diff = runs(conclusion.last_good).zip(runs(conclusion.first_bad));
        Self {
            schema: SCHEMA,
            shares,
            measures: measures(&terms),
            steps: kept.iter().map(|kept| StepRow::new(kept, &terms, &good)).collect(),
            diff: diff.map(|(before, after)| Diff::new(&before, &after, Limits::default())),
            conclusion,
            damage,
            terms,
        }
    }

    /// The row of a step.
    pub fn step(&self, number: Option<u32>) -> Option<&StepRow> {
        self.steps.iter().find(|row| Some(row.number) == number)
    }
}

fn measures(terms: &Criteria) -> Vec<MeasureHead> {
    let rules = terms.bad_when.iter();
    rules
        .filter_map(|rule| {
            let field = rule.field()?;
            Some(MeasureHead {
                rule: rule.to_string(),
                field: field.to_string(),
                unit: field.unit(),
            })
        })
        .collect()
}

impl StepRow {
    fn new((step, samples): &Kept, terms: &Criteria, good: &[&Sample]) -> Self {
        let mut kernels: Vec<String> = samples
            .iter()
            .filter_map(|sample| sample.recorded.as_ref().ok()?.source.kernel.release.clone())
            .chain(step.head.release.clone())
            .collect();
        kernels.sort();
        kernels.dedup();
        let runs = step.runs.iter().zip(samples).map(|((number, end), sample)| {
            let judged = judge_run(terms, sample, good);
            let measured = terms.bad_when.iter().zip(&judged.answers);
            let measured = measured.filter(|(rule, _)| rule.field().is_some());
            RunRow {
                number: *number,
                verdict: judged.verdict,
                why: judged.why,
                status: end.command.status,
                duration_ns: end.command.duration_ns,
                recording: end.recording.clone(),
                console: end.console.clone(),
                values: measured.map(|(_, answer)| answer.value).collect(),
            }
        });
        Self {
            number: step.head.number,
            label: step.head.label.clone(),
            commit: step.head.commit.clone(),
            began_ns: step.head.began_ns,
            kernels,
            verdict: step.told.as_ref().map(|told| told.verdict),
            why: step.told.as_ref().map(|told| told.why.clone()),
            known: step.known(),
            runs: runs.collect(),
            interrupted: step.interrupted.clone(),
        }
    }

    /// How many of its runs are bad.
    pub fn bad_runs(&self) -> usize {
        self.runs.iter().filter(|run| run.verdict == RunVerdict::Bad).count()
    }

    /// Values of one measure that runs have, from the least to the most.
    pub fn values(&self, measure: usize) -> Vec<f64> {
        let values = self
            .runs
            .iter()
            .filter_map(|run| run.values.get(measure).copied().flatten());
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        values
    }

    /// What it comes to, in words.
    pub fn verdict_text(&self) -> &'static str {
        match (self.known, self.verdict) {
            (Some(Known::Good), _) => "marked good",
            (Some(Known::Bad), _) => "marked bad",
            (Some(Known::Skip), _) => "marked skip",
            (None, Some(verdict)) => verdict.name(),
            (None, None) => "interrupted",
        }
    }
}

/// Whether a step is good or bad: what its user says counts more than what was told.
pub(super) fn standing(known: Option<Known>, verdict: Option<Verdict>) -> Option<bool> {
    match (known, verdict) {
        (Some(Known::Good), _) | (None, Some(Verdict::Good)) => Some(true),
        (Some(Known::Bad), _) | (None, Some(Verdict::Bad)) => Some(false),
        (Some(Known::Skip), _) | (None, Some(Verdict::CannotTell) | None) => None,
    }
}

impl Conclusion {
    /// Of steps with commits, in their order. Of several steps of one commit the last one that is good or bad counts.
    fn from_steps<'s>(steps: impl Iterator<Item = &'s Step>) -> Self {
        let mut commits: BTreeMap<(u64, &str), (&Step, &Commit, bool)> = BTreeMap::new();
        for step in steps {
            let verdict = step.told.as_ref().map(|told| told.verdict);
            if let (Some(commit), Some(good)) = (&step.head.commit, standing(step.known(), verdict)) {
                commits.insert((commit.depth, commit.hash.as_str()), (step, commit, good));
            }
        }
        let Some((first, commit, _)) = commits.values().find(|(_, _, good)| !good) else {
            return Self::default();
        };
        let good = |good_one: &&(&Step, &Commit, bool)| good_one.2;
        let last = commits
            .values()
            .rev()
            .filter(good)
            .find(|(_, known, _)| known.depth < commit.depth);
        let against = commits
            .values()
            .filter(good)
            .filter(|(_, known, _)| known.depth > commit.depth);
        Self {
            first_bad: Some(first.head.number),
            last_good: last.map(|(step, _, _)| step.head.number),
            candidates: last.map(|(_, known, _)| {
                if commit.parents.contains(&known.hash) {
                    1
                } else {
                    commit.depth - known.depth
                }
            }),
            against: against.map(|(step, _, _)| step.head.number).collect(),
        }
    }
}
