//! Each finding with its counter-example: a session much like it in which there is none.

mod loads;
mod pairs;
mod requests;

use super::*;
use crate::analysis::graph::fixture::{attempt, nested, request};
use crate::model::{Attempt, Errno, Request, Role, WaitKind};
use crate::text::Names;

fn found(attempts: &[Attempt], requests: &[Request]) -> Vec<Finding> {
    let mut findings = Findings::default();
    for attempt in attempts {
        findings.add(&Finished::Attempt(Box::new(attempt.clone())));
    }
    for request in requests {
        findings.add(&Finished::Request(Box::new(request.clone())));
    }
    findings.list()
}

/// The one finding of this name, if there is one.
fn one(name: Name, attempts: &[Attempt], requests: &[Request]) -> Option<Finding> {
    let mut all = found(attempts, requests)
        .into_iter()
        .filter(|finding| finding.id == name);
    let first = all.next();
    assert_eq!(all.next(), None, "twice");
    first
}

fn sentence(finding: Option<Finding>) -> String {
    finding.map_or_else(String::new, |finding| finding.sentence)
}

fn follower(id: u64, module: &str) -> Attempt {
    attempt(id, module, 20, 110)
        .waited(WaitKind::SameName, Some(1), 30, 100)
        .was(Role::Follower)
        .got(Errno::EEXIST)
}

#[test]
fn deadlock_and_the_slots_of_it() {
    let (attempts, requests) = nested(50);
    let found = one(Name::Deadlock, &attempts, &requests);
    assert!(
        sentence(found.clone()).starts_with("nested request needs slot 51"),
        "{found:?}"
    );
    let found = found.unwrap_or_else(|| panic!("no deadlock"));
    assert_eq!(found.module.as_deref(), Some("outer"));
    // The request for slot 51 comes before those that hold the slots, and each is shown once.
    let ids = found.requests.ids;
    assert_eq!((found.requests.count, ids.len(), ids[0]), (51, 8, 51));
    assert_eq!(
        ids.iter().collect::<std::collections::BTreeSet<_>>().len(),
        8,
        "{ids:?}"
    );
    let (attempts, requests) = nested(49);
    assert_eq!(one(Name::Deadlock, &attempts, &requests), None);
}

#[test]
fn pile_up() {
    let storm = |waiters: u64| {
        let all = (2..2 + waiters).map(|id| follower(id, "xfs"));
        one(Name::PileUp, &all.collect::<Vec<_>>(), &[])
    };
    assert_eq!(
        sentence(storm(8)),
        "8 tasks at a time waited 560ms in all (same-name) for the load of xfs by tid 1001 (modprobe)"
    );
    assert_eq!(storm(7), None);
}

#[test]
fn the_same_words_everywhere() {
    let killed = [follower(2, "m\u{1b}").got(Errno::EINTR)];
    let found = found(&killed, &[]);
    let words = "a signal ended 1 load of m? after waits of 70.0ms in all (modprobe 1)";
    let advice = Name::KilledBySignal.advice();
    let mut text = Vec::new();
    let written = write_findings(&found, usize::MAX, &mut text);
    assert!(written.is_ok());
    assert_eq!(
        String::from_utf8_lossy(&text),
        format!("killed-by-signal: {words}\n  attempt 2\n  {advice}\n")
    );
    let lines: Vec<String> = found.iter().map(Finding::text).collect();
    assert_eq!(lines, [format!("killed-by-signal: {words} (attempt 2); {advice}")]);
    for name in Name::ALL {
        assert_eq!(serde_json::to_value(name).ok(), Some(name.name().into()));
    }
    let about = |glob| found[0].is_about(&Names::matching([glob]));
    assert!(about("m*") && !about("x"));
}

#[test]
fn memory_does_not_grow_with_attempts() {
    let mut findings = Findings::default();
    for id in 1..40_000 {
        // Owners that never come, and names that never repeat.
        let one = follower(id, &format!("m{}", id % 20_000)).waited(WaitKind::Mutex, Some(id + 1_000_000), 30, 90);
        findings.add(&Finished::Attempt(Box::new(one)));
    }
    let (sides, waiters) = findings.pairs.entries();
    assert!(sides <= 4_097 && waiters <= 2 * 4_097, "{sides} {waiters}");
    assert!(findings.tallies.iter().count() <= 8_192);
}

#[test]
fn a_pile_up_at_the_slots_is_no_owner_s_fault() {
    let late: Vec<Request> = (1..=8)
        .map(|id| request(id, "fs-xfs", 0, 5_000, -62).without_slot(Errno(62), 50))
        .collect();
    let found = one(Name::PileUp, &[], &late);
    assert_eq!(
        sentence(found.clone()),
        "8 requests at a time waited 40.0s in all for one of the 50 slots"
    );
    assert_eq!(
        found.map(|finding| finding.advice),
        Some(Name::ThrottleExhausted.advice())
    );
}
