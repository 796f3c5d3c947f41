//! Looking for circles takes time in proportion to what there is, whatever that is.

use std::time::{Duration, Instant};

use super::fixture::{attempt, nested, request};
use super::watch_tests::{in_flight, open};
use super::*;
use crate::model::{Errno, WaitKind};

/// A hundred times as long as a slow machine takes, and less than a hundredth of what the square of the number would take.
const AMPLE: Duration = Duration::from_mins(1);
const MANY: u64 = 20_000;

/// Each waits for the one with the next number.
fn chain(count: u64) -> Vec<Attempt> {
    let waits = |id| attempt(id, "m", 0, 9_000).waited(WaitKind::Dependency, Some(id + 1), 10, 8_000);
    (1..=count).map(waits).collect()
}

#[test]
fn a_chain_is_searched_to_its_end_from_either() {
    for backwards in [false, true] {
        let mut all = chain(MANY);
        if backwards {
            all.reverse();
        }
        let mut graph = WaitGraph::default();
        for attempt in &all {
            graph.add_attempt(attempt);
        }
        // To follow it from each member would take four thousand steps for each, and a few hundred are allowed.
        assert_eq!((graph.cycles.len(), graph.unsearched), (0, 0));
    }
}

#[test]
fn requests_inside_requests_are_searched_to_the_innermost() {
    let mut graph = WaitGraph::default();
    for depth in (1..=MANY).rev() {
        let load = attempt(depth, "m", depth, 90_000).by(depth);
        graph.add_attempt(&load.requests(depth + 1, "m", depth, 90_000));
        graph.add_request(
            &request(depth, "m", depth, 90_000, 256)
                .inside(depth - 1)
                .helped(&[depth]),
        );
    }
    assert_eq!((graph.cycles.len(), graph.unsearched), (0, 0));
}

#[test]
fn an_attempt_with_many_requests_is_looked_at_once_for_each() {
    let begun = Instant::now();
    let requests = |load: Attempt, id| load.requests(id, "m", id, id + 1);
    let load = (1..=MANY).fold(attempt(1, "m", 0, 90_000), requests);
    let mut graph = WaitGraph::default();
    for id in 1..=MANY {
        graph.add_request(&request(id, "m", id, id + 1, 0).inside(1));
    }
    graph.add_attempt(&load);
    assert_eq!(graph.cycles.len(), 0);
    assert!(begun.elapsed() < AMPLE);
}

#[test]
fn more_who_hold_slots_than_there_are_take_no_longer() {
    let begun = Instant::now();
    let mut graph = WaitGraph::default();
    for id in 1..=1_000 {
        let mut request = request(id, "m", 0, 90_000, 0).without_slot(Errno(62), 50).lasting();
        request.granted = request.start;
        graph.add_request(&request);
    }
    // The first fifty look like a deadlock, as long as the others were not handed out.
    assert_eq!((graph.cycles.len(), graph.unsearched), (1, 0));
    assert!(begun.elapsed() < AMPLE);
}

#[test]
fn what_is_too_much_to_look_at_is_counted() {
    // Each waits for all before it, which wait for it, and at no instant for one another.
    let mut graph = WaitGraph {
        steps: 0,
        ..WaitGraph::default()
    };
    let keys = 1..=200;
    let ids: Vec<u64> = keys.clone().collect();
    for id in keys {
        graph.add_request(&request(id, "m", 2 * id, 2 * id + 1, 0).helped(&ids));
        let load = attempt(id, "m", 0, 90_000).waited(WaitKind::SameName, Some(id / 2 + 1), 0, 90_000);
        graph.add_attempt(&load.requests(id, "m", 2 * id, 2 * id + 1));
    }
    assert!(graph.unsearched > 0);
}

#[test]
fn a_long_circle_that_lasts_is_one_line_of_some_length() {
    let begun = Instant::now();
    let mut all: Vec<Attempt> = chain(MANY).into_iter().map(open).collect();
    let told = |all: &[Attempt]| {
        let mut watch = Watch::default();
        let ticks = 1..MANY;
        let mut looks = ticks.map(|tick| {
            watch.tick(
                Ktime(tick * 10_000_000_000),
                tick,
                in_flight(all).into_iter(),
                [].iter(),
            )
        });
        looks.find(|told| !told.is_empty()).unwrap_or_default()
    };
    let deadlocks = |told: &[Lasting]| told.iter().filter(|one| one.text.starts_with("deadlock")).count();
    assert_eq!(deadlocks(&told(&all)), 0);
    if let Some(last) = all.last_mut() {
        *last = open(attempt(MANY, "m", 0, 0).waited(WaitKind::Dependency, Some(1), 10, 0));
    }
    let told = told(&all);
    assert_eq!(deadlocks(&told), 1);
    assert!(told.iter().all(|one| one.text.len() < 4_096));
    assert!(begun.elapsed() < AMPLE);
}

#[test]
fn where_much_is_in_flight_not_every_tick_is_looked_at() {
    let all: Vec<Attempt> = chain(1_000).into_iter().map(open).collect();
    let mut watch = Watch::default();
    let mut at = |second: u64| {
        watch.tick(
            Ktime(second * 1_000_000_000),
            second,
            in_flight(&all).into_iter(),
            [].iter(),
        )
    };
    let looked: Vec<u64> = (1_000..1_016).filter(|second| !at(*second).is_empty()).collect();
    assert_eq!(looked, [1_007]);
    // With little in flight every one is.
    let (attempts, _) = nested(50);
    let few: Vec<Attempt> = attempts.into_iter().map(open).collect();
    assert!(
        !Watch::default()
            .tick(Ktime(90_000_000_000), 1, in_flight(&few).into_iter(), [].iter())
            .is_empty()
    );
}
