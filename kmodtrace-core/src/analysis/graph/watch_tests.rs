//! What is told of waits in flight, and when.

use super::fixture::{at, attempt, nested};
use super::*;
use crate::model::{Attempt, Note, WaitKind};
use crate::session::InFlight;
use crate::text::Names;

/// As a session has an attempt in flight: the open wait apart from the others.
pub(super) fn in_flight(attempts: &[Attempt]) -> Vec<InFlight<'_>> {
    let one = |attempt| InFlight {
        attempt,
        role: None,
        waits: attempt.waits.last().filter(|wait| wait.span.end.is_none()).cloned(),
    };
    attempts.iter().map(one).collect()
}

pub(super) fn open(attempt: Attempt) -> Attempt {
    let mut attempt = attempt.lasting();
    attempt.notes.retain(|note| *note != Note::InFlight);
    attempt
}

fn told(watch: &mut Watch, ms: u64, attempts: &[Attempt], requests: &[Request]) -> Vec<String> {
    // There are others in every test at another time.
    let told = watch.tick(at(ms), ms, in_flight(attempts).into_iter(), requests.iter());
    told.iter().map(ToString::to_string).collect()
}

#[test]
fn a_wait_is_told_after_a_second_ten_and_every_minute() {
    let waiting = [open(attempt(2, "xfs", 900, 0).waited(
        WaitKind::SameInode,
        Some(1),
        1_000,
        0,
    ))];
    let mut watch = Watch::default();
    let mut told_at = Vec::new();
    for second in 1..200 {
        for line in told(&mut watch, second * 1_000, &waiting, &[]) {
            told_at.push((second, line));
        }
    }
    let line = |long| format!("   1002  modprobe         still waiting {long}: xfs, same-inode for 1001 (modprobe)");
    let expected = [(2, "1.00s"), (11, "10.0s"), (61, "60.0s"), (121, "120s"), (181, "180s")];
    assert_eq!(told_at, expected.map(|(second, long)| (second, line(long))));
}

#[test]
fn what_does_not_last_is_not_told() {
    let mut watch = Watch::default();
    for second in 1..100 {
        // Always another one, that began half a second ago.
        let since = second * 1_000 - 500;
        let waiting = [open(attempt(second, "m", since, 0).waited(
            WaitKind::SameName,
            Some(1),
            since,
            0,
        ))];
        assert_eq!(told(&mut watch, second * 1_000, &waiting, &[]), [""; 0]);
    }
    // And what runs waits for nobody.
    let runs = [open(attempt(1, "m", 0, 0))];
    assert_eq!(told(&mut watch, 1_000_000, &runs, &[]), [""; 0]);
}

#[test]
fn those_who_wait_for_the_same_are_told_together() {
    let (attempts, requests) = nested(50);
    let attempts: Vec<_> = attempts.into_iter().map(open).collect();
    let requests: Vec<_> = requests.into_iter().map(Request::lasting).collect();
    let mut watch = Watch::default();
    let lines = told(&mut watch, 2_500, &attempts, &requests);
    let [load, helpers, slot, _deadlock] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    assert_eq!(
        load,
        "      -  49 tasks         still waiting up to 2.47s: outer, same-name for 1001 (modprobe): 1002 (modprobe), \
         1003 (modprobe), 1004 (modprobe) and 46 more"
    );
    assert!(
        slot.ends_with("still waiting 2.46s: request inner, slot, for one of 50 slots"),
        "{slot}"
    );
    assert_eq!(
        helpers,
        "      -  50 tasks         still waiting up to 2.50s: request outer-alias, helper, for their modprobes: \
         5001 (mount), 5002 (mount), 5003 (mount) and 47 more"
    );
    // Who comes later is told later, alone; who waits for somebody else is not one of them.
    let later = [
        open(attempt(60, "outer", 2_600, 0).waited(WaitKind::SameName, Some(1), 2_600, 0)),
        open(attempt(61, "outer", 2_600, 0).waited(WaitKind::SameName, Some(2), 2_600, 0)),
    ];
    let all: Vec<_> = attempts.into_iter().chain(later).collect();
    let lines = told(&mut watch, 4_000, &all, &requests);
    assert_eq!(
        lines,
        [1_060, 1_061].map(|tid| format!(
            "   {tid}  modprobe         still waiting 1.40s: outer, same-name for {} (modprobe)",
            tid - 59
        ))
    );
}

#[test]
fn a_deadlock_is_told_when_it_is_complete_and_once() {
    let (attempts, requests) = nested(50);
    let attempts: Vec<_> = attempts.into_iter().map(open).collect();
    let requests: Vec<_> = requests.into_iter().map(Request::lasting).collect();
    let mut watch = Watch::default();
    let deadlocks = |lines: Vec<String>| {
        lines
            .into_iter()
            .filter(|line| line.contains("deadlock"))
            .collect::<Vec<_>>()
    };
    // The request for slot 51 has not been made yet.
    assert_eq!(deadlocks(told(&mut watch, 1_000, &attempts, &requests[1..])), [""; 0]);
    let found = deadlocks(told(&mut watch, 2_000, &attempts, &requests));
    let [line] = found.as_slice() else { panic!("{found:?}") };
    assert!(
        line.starts_with("      -  -                deadlock: nested request needs slot 51")
            && line.ends_with("it still lasts"),
        "{line}"
    );
    assert_eq!(deadlocks(told(&mut watch, 3_000, &attempts, &requests)), [""; 0]);
    // It comes again, after it was broken.
    assert_eq!(deadlocks(told(&mut watch, 4_000, &[], &[])), [""; 0]);
    assert_eq!(deadlocks(told(&mut watch, 5_000, &attempts, &requests)).len(), 1);
    // One slot less, and there is none.
    let mut watch = Watch::default();
    assert_eq!(
        deadlocks(told(&mut watch, 6_000, &attempts[..49], &requests[..50])),
        [""; 0]
    );
}

#[test]
fn lines_are_selected_by_module() {
    let waiting = [open(attempt(2, "xfs", 0, 0).waited(WaitKind::SameInode, Some(1), 0, 0))];
    let told = Watch::default().tick(at(5_000), 1, in_flight(&waiting).into_iter(), std::iter::empty());
    let about = |glob| told[0].is_about(&Names::matching([glob]));
    assert!(about("x*") && !about("e*"));
    assert!(told[0].is_about(&Names::default()));
}

#[test]
fn where_only_time_passes_what_lasts_is_looked_at_when_a_wait_is_due() {
    let waiting = [open(attempt(2, "xfs", 0, 0).waited(WaitKind::SameInode, Some(1), 0, 0))];
    let mut looks = Vec::new();
    let mut watch = Watch::default();
    for second in 1..200 {
        let attempts = in_flight(&waiting).into_iter().inspect(|_| looks.push(second));
        watch.tick(at(second * 1_000), 7, attempts, std::iter::empty());
    }
    assert_eq!(looks, [1, 11, 61, 121, 181]);
}
