//! From runs to a verdict, and from a verdict to what git is told.

use serde::{Deserialize, Serialize};

use super::criteria::Criteria;
use super::rule::{Answer, Rule};
use super::sample::Sample;
use super::sequential::{Decision, Shares, Tally, at_least, at_most};

/// The share of its runs in which a commit is taken to be bad before anything is known of it.
const RATE: f64 = 0.5;

/// The same of a good one.
const NOISE: f64 = 0.001;

/// How sure shares are that runs with a mark show.
const SHARE_CONFIDENCE: f64 = 0.95;

/// So many runs that tell nothing are enough, where they are more than those that do: the next ones will be no better.
const UNTOLD: usize = 3;

/// What a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunVerdict {
    /// A rule holds.
    Bad,
    /// None does.
    Good,
    /// One of those that say to skip holds.
    Skip,
    /// It cannot be told.
    Untold,
}

impl RunVerdict {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Good => "good",
            Self::Skip => "skip",
            Self::Untold => "untold",
        }
    }
}

/// A run, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedRun {
    /// What it is.
    pub verdict: RunVerdict,
    /// Why, in words.
    pub why: String,
    /// What each of the rules that make a run bad has seen, in their order.
    pub answers: Vec<Answer>,
    /// Whether other runs would tell no more.
    lasting: bool,
}

/// What a step comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Good.
    Good,
    /// Bad.
    Bad,
    /// It cannot be told.
    CannotTell,
}

impl Verdict {
    /// What `git bisect run` is told: git-bisect(1) takes 125 for a commit that cannot be tested.
    pub fn status(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Bad => 1,
            Self::CannotTell => 125,
        }
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// A verdict, or none while more runs are wanted; and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What it is.
    pub verdict: Option<Verdict>,
    /// In a sentence.
    pub why: String,
}

/// What a run is by all rules, `good` being the runs that are marked good.
pub fn judge_run(terms: &Criteria, sample: &Sample, good: &[&Sample]) -> JudgedRun {
    let ask = |rules: &[Rule]| -> Vec<Answer> { rules.iter().map(|rule| rule.ask(sample, good)).collect() };
    let (skip, answers) = (ask(&terms.skip_when), ask(&terms.bad_when));
    let first = |answers: &[Answer], holds| answers.iter().position(|answer| answer.holds == holds);
    let (verdict, why, lasting) = if let Some(at) = first(&skip, Some(true)) {
        let why = format!("{}: {}", terms.skip_when[at], skip[at].seen);
        (RunVerdict::Skip, why, true)
    } else if let Some(at) = first(&answers, Some(true)) {
        (RunVerdict::Bad, answers[at].seen.clone(), false)
    } else if let Some(untold) = skip.iter().chain(&answers).find(|answer| answer.holds.is_none()) {
        (RunVerdict::Untold, untold.seen.clone(), untold.lasting)
    } else {
        let seen: Vec<&str> = answers.iter().map(|answer| answer.seen.as_str()).collect();
        (RunVerdict::Good, seen.join("; "), false)
    };
    JudgedRun {
        verdict,
        why,
        answers,
        lasting,
    }
}

/// Runs that can be counted.
pub fn tally<'r>(runs: impl IntoIterator<Item = &'r JudgedRun>) -> Tally {
    let mut tally = Tally::default();
    for run in runs {
        match run.verdict {
            RunVerdict::Bad => tally.bad += 1,
            RunVerdict::Good => tally.good += 1,
            RunVerdict::Skip | RunVerdict::Untold => {}
        }
    }
    tally
}

/// What commits are taken to be: as stated; or as runs show that are marked; or as this session begins.
pub fn shares(terms: &Criteria, marked_bad: Tally, marked_good: Tally) -> Shares {
    let rate = || {
        let shown = at_least(marked_bad, SHARE_CONFIDENCE);
        match marked_bad {
            Tally { bad: 0, good: 0 } => RATE,
            // A few runs that are all bad do not speak against half of them.
            Tally { good: 0, .. } => shown.max(RATE),
            Tally { .. } => shown,
        }
    };
    let noise = || match marked_good.bad {
        0 => NOISE,
        _ => at_most(marked_good, SHARE_CONFIDENCE),
    };
    Shares {
        rate: terms.rate.unwrap_or_else(rate),
        noise: terms.noise.unwrap_or_else(noise),
    }
}

/// What the runs of a step come to so far.
pub fn judge(terms: &Criteria, shares: Shares, runs: &[JudgedRun]) -> Judgement {
    let verdict = |verdict, why| Judgement {
        verdict: Some(verdict),
        why,
    };
    let cannot = |why: String| verdict(Verdict::CannotTell, why);
    if shares.noise >= shares.rate {
        return cannot(format!(
            "too noisy: good commits may be bad in {} of their runs, and bad ones in no more than {}; --noise and --rate of \
             start state what is known better, or other rules may tell them apart",
            percent(shares.noise),
            percent(shares.rate)
        ));
    }
    if let Some(run) = runs.iter().find(|run| run.verdict == RunVerdict::Skip) {
        return cannot(format!("to be skipped: {}", run.why));
    }
    if let Some(run) = runs.iter().find(|run| run.lasting) {
        return cannot(run.why.clone());
    }
    let tally = tally(runs);
    let untold: Vec<&JudgedRun> = runs.iter().filter(|run| run.verdict == RunVerdict::Untold).collect();
    let sum = usize::try_from(tally.sum()).unwrap_or(usize::MAX);
    if let Some(last) = untold.last().filter(|_| untold.len() >= UNTOLD && untold.len() > sum) {
        return cannot(format!(
            "{} of {} runs tell nothing: {}",
            untold.len(),
            runs.len(),
            last.why
        ));
    }
    let enough = terms.runs.is_none_or(|wanted| runs.len() >= wanted as usize);
    let decision = if enough {
        shares.decide(tally, terms.confidence)
    } else {
        Decision::Undecided
    };
    let chance = once_in(1.0 - terms.confidence);
    let seen = seen(tally);
    let most = terms.runs.unwrap_or(terms.most_runs);
    match decision {
        Decision::Bad => verdict(
            Verdict::Bad,
            format!(
                "{seen}: good commits, bad in up to {} of their runs, show that less than {chance}",
                percent(shares.noise)
            ),
        ),
        Decision::Good => verdict(
            Verdict::Good,
            format!(
                "{seen}: bad commits, bad in {}, show that less than {chance}",
                runs_of_bad(shares.rate)
            ),
        ),
        Decision::Undecided if runs.len() < most as usize => Judgement {
            verdict: None,
            why: format!("{seen} so far"),
        },
        Decision::Undecided => cannot(format!("{seen}, which is not enough: {}", remedy(terms, shares))),
    }
}

fn seen(tally: Tally) -> String {
    match (tally.bad, tally.sum()) {
        (_, 0) => "no run tells anything".to_owned(),
        (0, 1) => "the one run is not bad".to_owned(),
        (0, told) => format!("none of {told} runs is bad"),
        (1, 1) => "the one run is bad".to_owned(),
        (bad, told) => format!("{bad} of {told} runs {}", if bad == 1 { "is bad" } else { "are bad" }),
    }
}

fn remedy(terms: &Criteria, shares: Shares) -> String {
    let runs = if terms.runs.is_some() { "--runs" } else { "--most-runs" };
    match shares.good_runs(terms.confidence) {
        Some(good) => format!(
            "where bad commits may be bad in only {} of their runs it takes {good} without a bad one ({runs} {good}, or \
             --rate where more is known)",
            percent(shares.rate)
        ),
        None => format!(
            "no number of runs tells {} from {}",
            percent(shares.rate),
            percent(shares.noise)
        ),
    }
}

fn runs_of_bad(rate: f64) -> String {
    if rate >= 1.0 {
        "all of their runs".to_owned()
    } else {
        format!("{} of their runs or more", percent(rate))
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 10.0 || percent == 0.0 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// A chance as people say it.
fn once_in(chance: f64) -> String {
    format!("once in {:.0}", 1.0 / chance)
}
