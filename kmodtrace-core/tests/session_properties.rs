//! What holds for every stream of events, also those that no kernel writes.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use kmodtrace_core::analysis::aggregate::Aggregates;
use kmodtrace_core::model::{
    Attempt, AttemptId, Collision, Errno, Finished, Ktime, Note, RequestId, Tgid, Tid, WaitKind,
};
use kmodtrace_core::records::event::{Event, Fact};
use kmodtrace_core::session::Session;
use proptest::prelude::*;
use proptest::sample::Index;

const STORIES: &[&str] = &[
    "success",
    "storm_failing_init",
    "live",
    "going_unload",
    "unload_refused",
    "same_inode",
    "same_inode_two_leaders",
    "killed_waiter",
    "lost_exit",
    "derived_wait",
    "racers",
    "address_reuse",
    "add_unformed",
    "dependency",
    "mutex_rcu",
    "early_late",
    "trail",
    "request_granted",
    "request_no_slot_6_12",
    "request_no_slot_6_1",
    "request_refused",
    "request_nowait",
    "request_nested",
    "request_killed",
    "request_lost",
    "request_duplicate",
];

/// Facts of all stories, in any order, by any of a few tasks.
fn noise() -> impl Strategy<Value = Vec<Event>> {
    let facts = support::together(STORIES);
    let one = (any::<Index>(), 0..4_u32, 0..3_u64);
    prop::collection::vec(one, 0..400).prop_map(move |picks| {
        let mut time = 0;
        let events = picks.into_iter().map(|(pick, tid, step)| {
            time += step;
            let mut event = pick.get(&facts).clone();
            event.time = Ktime(time);
            (event.tid, event.tgid) = (Tid(tid), Tgid(tid));
            meet(&mut event.fact);
            event
        });
        events.collect()
    })
}

/// What tasks of different stories share becomes the same.
fn meet(fact: &mut Fact) {
    match fact {
        Fact::HelperEnter(helper) => helper.sub_info %= 3,
        Fact::HelperWork(sub_info) | Fact::HelperTask(sub_info) => *sub_info %= 3,
        Fact::HelperFork(other) | Fact::MutexEnter(Some(other)) => {
            (other.tid.0, other.tgid.0) = (other.tid.0 % 4, other.tid.0 % 4);
        }
        _ => {}
    }
}

/// Waits follow each other inside their attempt; only the last one may have no end.
fn waits_are_apart(attempt: &Attempt) -> bool {
    let mut now = attempt.start.unwrap_or_default();
    let apart = attempt.waits.iter().enumerate().all(|(at, wait)| {
        let follows = wait.span.start >= now && wait.span.end.is_none_or(|end| end >= wait.span.start);
        now = wait.span.end.unwrap_or(now);
        follows && (wait.span.end.is_some() || at + 1 == attempt.waits.len())
    });
    apart && attempt.end.is_none_or(|end| now <= end)
}

fn aggregate(finished: &[Finished]) -> Aggregates {
    let mut aggregates = Aggregates::default();
    for one in finished {
        aggregates.add(one);
    }
    aggregates
}

/// The attempts of each task, without what they know from other tasks.
fn by_task(events: Vec<Event>) -> BTreeMap<Tid, Vec<Attempt>> {
    let mut tasks: BTreeMap<Tid, Vec<Attempt>> = BTreeMap::new();
    for mut attempt in support::attempts(&support::run(events)) {
        attempt.id = AttemptId(0);
        attempt.leader = None;
        // Whose helper it is, the requester's and the kworker's records tell; numbers are counted over all tasks.
        attempt.request = None;
        attempt.requests.iter_mut().for_each(|id| *id = RequestId(0));
        if attempt.collided_with == Some(Collision::InFlight) {
            // The leader's; its own file's where the leader was not seen.
            attempt.module = None;
        }
        if attempt.errno == Some(Errno::EBADF) {
            // A file that cannot be read, or the errno of a leader: which of the two, only that leader's records tell.
            (attempt.role, attempt.collided_with, attempt.module) = (None, None, None);
            attempt.waits.retain(|wait| wait.kind != WaitKind::SameInode);
        }
        attempt.waits.iter_mut().for_each(|wait| wait.on = None);
        attempt.notes.retain(|note| *note != Note::RecordsLost);
        tasks.entry(attempt.tid).or_default().push(attempt);
    }
    tasks
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_never_panics_and_nothing_is_invented(events in noise()) {
        let enters = events.iter().filter(|event| matches!(event.fact, Fact::AttemptEnter(_))).count();
        let asked = events.iter().filter(|event| matches!(event.fact, Fact::RequestBegin(_))).count();
        let exits = events.iter().filter(|event| matches!(event.fact, Fact::AttemptExit(_))).count();
        let mut session = Session::new();
        let mut out = Vec::new();
        for event in events {
            session.apply(event, &mut out);
            prop_assert!(session.in_flight().count() <= 4);
        }
        session.finish(&mut out);
        let attempts = support::attempts(&out);
        prop_assert_eq!(attempts.iter().filter(|attempt| attempt.start.is_some()).count(), enters);
        prop_assert_eq!(attempts.iter().filter(|attempt| attempt.end.is_some()).count(), exits);
        let ids: BTreeSet<_> = attempts.iter().map(|attempt| attempt.id).collect();
        prop_assert_eq!(ids.len(), attempts.len());
        for attempt in &attempts {
            prop_assert!(waits_are_apart(attempt), "{:?}", attempt);
            prop_assert!(attempt.trail.is_sorted_by_key(|mark| mark.time));
            prop_assert!(attempt.leader.as_ref().is_none_or(|leader| leader.attempt != attempt.id));
        }
        let requests = support::requests(&out);
        prop_assert_eq!(requests.iter().filter(|request| request.start.is_some()).count(), asked);
        let known: BTreeMap<_, _> = requests.iter().map(|request| (request.id, request)).collect();
        prop_assert_eq!(known.len(), requests.len());
        for attempt in &attempts {
            prop_assert!(attempt.request.is_none_or(|id| known.contains_key(&id)));
            prop_assert!(attempt.requests.iter().all(|id| known[id].inside == Some(attempt.id)));
        }
        let by_id: BTreeMap<_, _> = attempts.iter().map(|attempt| (attempt.id, attempt)).collect();
        for request in &requests {
            let made = request.helper.iter().flat_map(|helper| &helper.attempts);
            prop_assert!(made.into_iter().all(|id| by_id[id].request == Some(request.id)));
            prop_assert!(request.inside.is_none_or(|id| by_id[&id].requests.contains(&request.id)));
        }
    }

    #[test]
    fn lost_records_leave_other_tasks_alone(lost in prop::collection::vec(any::<Index>(), 0..60)) {
        let events = support::together(STORIES);
        let lost: BTreeSet<usize> = lost.iter().map(|index| index.index(events.len())).collect();
        let hurt: BTreeSet<Tid> = lost.iter().map(|at| events[*at].tid).collect();
        let rest = events.iter().enumerate().filter(|(at, _)| !lost.contains(at)).map(|(_, event)| event.clone());
        let (all, some) = (by_task(events.clone()), by_task(rest.collect()));
        for (tid, attempts) in all.iter().filter(|(tid, _)| !hurt.contains(tid)) {
            prop_assert_eq!(some.get(tid), Some(attempts));
        }
    }

    #[test]
    fn order_of_unrelated_tasks_within_an_instant_does_not_matter(keys in prop::collection::vec(any::<u16>(), STORIES.len())) {
        let events = support::together(STORIES);
        let expected = aggregate(&support::run(events.clone()));
        // A story is a hundred tids; the sort is stable, so each story's own order stays.
        let mut shuffled = events;
        shuffled.sort_by_key(|event| (event.time, keys[event.tid.0 as usize / 100]));
        prop_assert_eq!(aggregate(&support::run(shuffled)), expected);
    }
}
