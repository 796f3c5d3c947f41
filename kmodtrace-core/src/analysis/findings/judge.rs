//! From counts to findings: from how much on something is one, and in which words.

use super::evidence::Evidence;
use super::finding::{Finding, Name};
use super::tally::{Key, NAMED, Sum, Tally};
use crate::analysis::graph::{Cycle, Member, PileUp};
use crate::model::SLOTS;
use crate::text::{bytes_text, span_text};

/// Followers that make a herd: as many as make a pile-up.
const HERD: u64 = crate::analysis::graph::MANY as u64;
/// Followers for each load that went ahead: below, loads and unloads just meet now and then.
const HERD_RATIO: u64 = 4;
/// Init failures with one errno: cold plug and the end of boot each try once, a third time is a habit.
const INIT_FAILURES: u64 = 3;
/// Waits for the mutex during grace periods that are worth a word: one grace period takes about as long.
const MUTEX_NS: u64 = 10_000_000;
/// Grace periods of failed loads when nobody watches the mutex: a tenth of a second in which no module could be looked up.
const RCU_NS: u64 = 100_000_000;

/// Files that are told by name.
const FILES: usize = 3;

/// A finding, if these counts are one. `mutex_watched`: whether waits for `module_mutex` were seen at all.
pub(super) fn judge((name, module, case): &Key, tally: &Tally, mutex_watched: bool) -> Option<Finding> {
    let who = module.as_deref().unwrap_or("(unknown)");
    let sentence = match name {
        Name::Herd => herd(who, tally)?,
        Name::InitFailsAgain => init_fails(who, case, tally)?,
        Name::ExistHidden => format!(
            "the init function of {who} returned EEXIST {}, and the caller ({}) got it: modprobe and udev take it for success, insmod \
             does not",
            times(tally.sum(Sum::Times)),
            tally.by_text(),
        ),
        Name::ParameterUnknown => format!(
            "parameter {case} is unknown to {who} and was ignored ({})",
            count(tally.sum(Sum::Loads), "load"),
        ),
        Name::HelperRecursion => recursion(who, case, tally)?,
        Name::BusyInherited => busy(who, case, tally),
        Name::ParametersIgnored => parameters(who, case, tally),
        Name::KilledBySignal => killed(who, case, tally),
        Name::KilledButLoading => format!(
            "{} of {who} went on after SIGKILL to the task, for {} in all ({})",
            count(tally.sum(Sum::Loads), "load"),
            span_text(tally.sum(Sum::LoadTime)),
            tally.by_text(),
        ),
        Name::TwoFiles => two_files(who, tally)?,
        Name::AsyncOfOthers => format!(
            "{} of {who} spent {} of {} waiting for asynchronous work of the whole system",
            count(tally.sum(Sum::Loads), "load"),
            span_text(tally.sum(Sum::Waited)),
            span_text(tally.sum(Sum::LoadTime)),
        ),
        Name::MutexAcrossRcu => mutex(who, case, tally, mutex_watched)?,
        Name::ThrottleExhausted => format!(
            "{} waited {} in all for one of the {SLOTS} slots of request_module and got none (ETIME): {}",
            count(tally.sum(Sum::Requests), "request"),
            span_text(tally.sum(Sum::Waited)),
            tally.by_text(),
        ),
        Name::ErrnoDropped => format!(
            "{case} asked for {who} {}, got {}, and returned NULL: whatever errno its caller reports is not that",
            times(tally.sum(Sum::Requests)),
            tally.answers_text(),
        ),
        Name::Deadlock | Name::PileUp => return None,
    };
    Some(Finding {
        id: *name,
        module: module.clone(),
        sentence,
        numbers: tally.sums.iter().map(|(sum, number)| (sum.name(), *number)).collect(),
        attempts: tally.attempts.clone(),
        requests: tally.requests.clone(),
        advice: name.advice(),
    })
}

fn herd(who: &str, tally: &Tally) -> Option<String> {
    let (followers, loads) = (tally.sum(Sum::Followers), tally.sum(Sum::Loads));
    if followers < HERD || followers < HERD_RATIO * loads {
        return None;
    }
    let wasted = match tally.sum(Sum::Wasted) {
        0 => String::new(),
        bytes => format!(", and {} were read for nothing", bytes_text(bytes)),
    };
    Some(format!(
        "{} tried to load {who}, {loads} went ahead; {followers} waited {} in all ({}){wasted}",
        count(tally.sum(Sum::Attempts), "attempt"),
        span_text(tally.sum(Sum::Waited)),
        tally.by_text(),
    ))
}

/// Once is no recursion: a helper may need something of the kernel.
fn recursion(who: &str, helper: &str, tally: &Tally) -> Option<String> {
    let depth = tally.sum(Sum::Depth);
    (depth > 2).then(|| {
        format!(
            "to start {helper} the kernel requested {who}, for which it started {helper} again: {depth} requests deep"
        )
    })
}

fn init_fails(who: &str, errno: &str, tally: &Tally) -> Option<String> {
    let number = tally.sum(Sum::Times);
    (number >= INIT_FAILURES).then(|| {
        format!(
            "the init function of {who} failed with {errno} {} and took {} in all ({})",
            times(number),
            span_text(tally.sum(Sum::InitTime)),
            tally.by_text(),
        )
    })
}

fn busy(who: &str, case: &str, tally: &Tally) -> String {
    let attempts = count(tally.sum(Sum::Times), "attempt");
    if case == "going" {
        format!("{attempts} at {who} got EBUSY because the old module was going away (GOING)")
    } else {
        format!("{attempts} at {who} got EBUSY because the load that they had waited for failed or was undone")
    }
}

fn parameters(who: &str, case: &str, tally: &Tally) -> String {
    let attempts = count(tally.sum(Sum::Times), "attempt");
    if case == "live" {
        format!(
            "{attempts} at {who} brought arguments that had no effect: the module was LIVE already, and modprobe takes EEXIST for success"
        )
    } else {
        format!(
            "{attempts} at {who} brought arguments that had no effect: they shared the load of another task, which had others"
        )
    }
}

fn killed(who: &str, case: &str, tally: &Tally) -> String {
    if case != "request" {
        return format!(
            "a signal ended {} of {who} after waits of {} in all ({})",
            count(tally.sum(Sum::Loads), "load"),
            span_text(tally.sum(Sum::Waited)),
            tally.by_text(),
        );
    }
    let parts = [(Sum::Helpers, "modprobe"), (Sum::Requesters, "requester")];
    let parts = parts.iter().filter(|(sum, _)| tally.sum(*sum) > 0);
    let parts: Vec<String> = parts.map(|(sum, what)| count(tally.sum(*sum), what)).collect();
    format!(
        "a signal ended requests of {who}: {} killed ({})",
        parts.join(", "),
        tally.by_text()
    )
}

fn two_files(who: &str, tally: &Tally) -> Option<String> {
    let files = tally.sum(Sum::Files);
    let mut named: Vec<String> = tally.by.keys().take(FILES).cloned().collect();
    let more = files.saturating_sub(named.len() as u64);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    // Further ones were not told apart.
    let at_least = if tally.by.len() >= NAMED { "at least " } else { "" };
    (files > 1).then(|| format!("{who} was loaded from {at_least}{files} files: {}", named.join(", ")))
}

fn mutex(who: &str, case: &str, tally: &Tally, watched: bool) -> Option<String> {
    let (waited, rcu) = (tally.sum(Sum::Waited), tally.sum(Sum::RcuTime));
    match case {
        "watched" if waited >= MUTEX_NS => Some(format!(
            "{} for module_mutex took {} while {who} was cleared up and held it across grace periods of RCU",
            count(tally.sum(Sum::Waits), "wait"),
            span_text(waited),
        )),
        "unwatched" if !watched && rcu >= RCU_NS => Some(format!(
            "{} of {who} spent {} in grace periods of RCU, mostly with module_mutex held",
            count(tally.sum(Sum::Loads), "failed load"),
            span_text(rcu),
        )),
        _ => None,
    }
}

/// A deadlock of the wait graph. Those on the way around are shown before the many that wait beside them.
pub(super) fn deadlock(cycle: &Cycle) -> Finding {
    let evidence = |on_the_way: fn(&Member) -> Option<u64>, all: &[u64]| {
        let mut ids: Vec<u64> = cycle.way.iter().filter_map(on_the_way).collect();
        let others: Vec<u64> = all.iter().filter(|id| !ids.contains(id)).copied().collect();
        ids.extend(others);
        Evidence::of(&ids, all.len() as u64)
    };
    Finding {
        id: Name::Deadlock,
        module: cycle
            .way
            .iter()
            .find(|member| member.attempt.is_some())
            .and_then(|member| member.name.clone()),
        sentence: cycle.text(),
        numbers: [
            ("members", cycle.members as u64),
            ("lasted_ns", cycle.duration().unwrap_or_default().0),
        ]
        .into(),
        attempts: evidence(|member| member.attempt, &cycle.attempts),
        requests: evidence(|member| member.request, &cycle.requests),
        advice: Name::Deadlock.advice(),
    }
}

/// A pile-up of the wait graph.
pub(super) fn pile_up(pile: &PileUp) -> Finding {
    let waiters = Evidence::of(&pile.some, pile.waiters);
    // Nobody is the owner of all slots: what helps is what helps those who get none.
    let (attempts, requests, advice) = match pile.owner {
        Some(_) => (waiters, Evidence::default(), Name::PileUp.advice()),
        None => (Evidence::default(), waiters, Name::ThrottleExhausted.advice()),
    };
    Finding {
        id: Name::PileUp,
        module: pile.module.clone(),
        sentence: pile.text(),
        numbers: [
            ("most", pile.most as u64),
            ("waiters", pile.waiters),
            ("waited_ns", pile.total_ns),
        ]
        .into(),
        attempts,
        requests,
        advice,
    }
}

/// `1 load`, `3 loads`
fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// `once`, `3 times`
fn times(number: u64) -> String {
    if number == 1 {
        return "once".to_owned();
    }
    format!("{number} times")
}
