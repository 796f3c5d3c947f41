//! What holds for every stream of events, also those that no kernel writes.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use kmodtrace_core::aggregate::Aggregates;
use kmodtrace_core::attempt::{Attempt, AttemptId, Collision, Finished, Note, WaitKind};
use kmodtrace_core::errno::Errno;
use kmodtrace_core::event::{Event, Fact};
use kmodtrace_core::session::Session;
use kmodtrace_core::units::{Ktime, Tid};
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
            event.tid = Tid(tid);
            event
        });
        events.collect()
    })
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
            prop_assert!(attempt.waits.iter().all(|wait| wait.span.end.is_none_or(|end| end >= wait.span.start)));
            prop_assert!(attempt.leader.as_ref().is_none_or(|leader| leader.attempt != attempt.id));
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
    fn order_of_unrelated_tasks_within_an_instant_does_not_matter(keys in prop::collection::vec(any::<u16>(), 16)) {
        let events = support::together(STORIES);
        let expected = aggregate(&support::run(events.clone()));
        // A story is a hundred tids; the sort is stable, so each story's own order stays.
        let mut shuffled = events;
        shuffled.sort_by_key(|event| (event.time, keys[event.tid.0 as usize / 100]));
        prop_assert_eq!(aggregate(&support::run(shuffled)), expected);
    }
}
