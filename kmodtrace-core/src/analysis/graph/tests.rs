//! Circles and pile-ups of sessions made by hand.

use proptest::prelude::*;

use super::fixture::{MS, at, attempt, nested, request, span};
use super::*;
use crate::model::{Attempt, Edge, Errno, Function, Mark, Note, Request, Role, WaitKind, Zero};
use crate::text::{Names, write_json};

fn graph(attempts: &[Attempt], requests: &[Request]) -> Graph {
    let mut graph = WaitGraph::with_stacks();
    for attempt in attempts {
        graph.add(&Finished::Attempt(Box::new(attempt.clone())));
    }
    for request in requests {
        graph.add(&Finished::Request(Box::new(request.clone())));
    }
    graph.finish()
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// `first` loads `m`, its init function requests an alias of `m`, and that modprobe waits for it until it is killed.
fn self_load() -> (Vec<Attempt>, Vec<Request>) {
    let first = attempt(1, "m", 0, 9_000)
        .init(10, 8_990, Errno::OK)
        .requests(1, "alias-of-m", 20, 8_980);
    let second = attempt(2, "m", 100, 8_900)
        .waited(WaitKind::SameInode, Some(1), 110, 8_900)
        .was(Role::Follower)
        .got(Errno::EINTR)
        .by(1);
    let request = request(1, "alias-of-m", 20, 8_980, 9).inside(1).helped(&[2]);
    (vec![second, first], vec![request])
}

#[test]
fn fifty_modprobes_that_wait_for_the_requester_of_slot_51() {
    let (attempts, requests) = nested(50);
    let graph = graph(&attempts, &requests);
    let [cycle] = graph.cycles.as_slice() else {
        panic!("{:?}", graph.cycles)
    };
    assert_eq!(cycle.pattern, Pattern::NestedRequest);
    // 50 requests, 50 modprobes, and request 51.
    assert_eq!((cycle.members, cycle.outside), (101, 0));
    assert_eq!((cycle.attempts.len(), cycle.requests.len()), (50, 51));
    assert_eq!((cycle.since_ns, cycle.until_ns), (40 * MS, Some(5_040 * MS)));
    let text = cycle.text();
    assert!(
        text.starts_with(
            "nested request needs slot 51: the init function of outer, in tid 1001 (modprobe), requests inner, and all 50 slots"
        ),
        "{text}"
    );
    assert!(text.ends_with("timed out after 5.00s (ETIME)"), "{text}");
    assert!(cycle.way.len() == 3 || cycle.way.len() == 4, "{:?}", cycle.way);
}

#[test]
fn forty_nine_leave_a_slot() {
    let (attempts, requests) = nested(49);
    assert_eq!(graph(&attempts, &requests).cycles, []);
}

#[test]
fn one_holder_that_gets_on_is_enough() {
    let (mut attempts, requests) = nested(50);
    // The modprobe of request 50 loads something else.
    attempts[49] = attempt(50, "other", 20, 5_060).by(50);
    assert_eq!(graph(&attempts, &requests).cycles, []);
}

#[test]
fn a_holder_that_was_killed_frees_the_others() {
    let (mut attempts, mut requests) = nested(50);
    // It is killed after a second; the nested request gets its slot and everybody gets on.
    attempts[49] = attempt(50, "outer", 20, 1_000)
        .waited(WaitKind::SameName, Some(1), 30, 1_000)
        .got(Errno::ERESTARTSYS)
        .by(50);
    requests[50] = request(50, "outer-alias", 5, 1_010, 9).helped(&[50]);
    requests[0].end = Some(at(2_000));
    if let Some(slot) = &mut requests[0].slot {
        (slot.span, slot.errno) = (span(40, 1_020), None);
    }
    let graph = graph(&attempts, &requests);
    let [cycle] = graph.cycles.as_slice() else {
        panic!("{:?}", graph.cycles)
    };
    assert_eq!(cycle.until_ns, Some(1_000 * MS));
    let text = cycle.text();
    assert!(
        text.ends_with("tid 1050 (modprobe) was interrupted by a signal (ERESTARTSYS)"),
        "{text}"
    );
}

#[test]
fn a_module_that_loads_itself() {
    let (attempts, requests) = self_load();
    let graph = graph(&attempts, &requests);
    let [cycle] = graph.cycles.as_slice() else {
        panic!("{:?}", graph.cycles)
    };
    assert_eq!(cycle.pattern, Pattern::SelfLoad);
    assert_eq!(
        cycle.text(),
        "m loads itself: its init function, in tid 1001 (modprobe), requests alias-of-m, whose modprobe, tid 1002 (modprobe), \
         waits for m; it lasted 8.79s and ended when the load of m by tid 1002 (modprobe) was interrupted by a signal (EINTR)"
    );
    // Loading another module is none.
    let (mut attempts, requests) = self_load();
    attempts[0].module = Some("n".into());
    attempts[0].waits.clear();
    assert_eq!(super::tests::graph(&attempts, &requests).cycles, []);
}

#[test]
fn a_dependency_that_waits_for_who_needs_it() {
    // a needs b; the init function of b requests an alias of a, and that modprobe waits for a.
    let a = attempt(1, "a", 0, 30_100)
        .waited(WaitKind::Dependency, Some(2), 50, 30_050)
        .got(Errno::EBUSY);
    let mut a = a;
    a.waits[0].module = Some("b".into());
    let b = attempt(2, "b", 0, 30_500).requests(1, "alias-of-a", 60, 30_200);
    let again = attempt(3, "a", 100, 30_110)
        .waited(WaitKind::SameName, Some(1), 110, 30_100)
        .by(1)
        .got(Errno::EBUSY);
    let request = request(1, "alias-of-a", 60, 30_200, 256).inside(2).helped(&[3]);
    let found = graph(&[a.clone(), again.clone(), b.clone()], std::slice::from_ref(&request));
    let [cycle] = found.cycles.as_slice() else {
        panic!("{:?}", found.cycles)
    };
    assert_eq!(cycle.pattern, Pattern::Dependency);
    assert_eq!(cycle.since_ns, 110 * MS);
    let text = cycle.text();
    assert!(
        text.starts_with("a needs b, which is COMING and waits for it in turn"),
        "{text}"
    );
    assert!(text.ends_with("gave up waiting after 30.0s"), "{text}");
    // b that only takes long is no deadlock.
    let slow = attempt(2, "b", 0, 30_500).init(60, 30_400, Errno::OK);
    assert_eq!(graph(&[a, again, slow], &[request]).cycles, []);
}

#[test]
fn what_does_not_overlap_is_no_circle() {
    let one = attempt(1, "a", 0, 100).waited(WaitKind::SameName, Some(2), 10, 20);
    let two = attempt(2, "a", 0, 100).waited(WaitKind::SameName, Some(1), 20, 30);
    assert_eq!(graph(&[one, two.clone()], &[]).cycles, []);
    let one = attempt(1, "a", 0, 100).waited(WaitKind::SameName, Some(2), 10, 21);
    assert_eq!(graph(&[one, two], &[]).cycles.len(), 1);
}

#[test]
fn a_circle_that_lasts() {
    let (attempts, requests) = self_load();
    let attempts: Vec<_> = attempts.into_iter().map(Attempt::lasting).collect();
    let requests: Vec<_> = requests.into_iter().map(Request::lasting).collect();
    let lasts = graph(&attempts, &requests);
    let [cycle] = lasts.cycles.as_slice() else {
        panic!("{:?}", lasts.cycles)
    };
    assert_eq!((cycle.until_ns, cycle.ended_by.as_ref()), (None, None));
    assert!(cycle.text().ends_with("it still lasts"));
    assert!(lasts.edges.iter().any(|edge| edge.lasting == 1));
    // A wait whose end was lost may have ended at any time.
    let lost = attempts.into_iter().map(|mut attempt| {
        attempt.notes = vec![Note::ExitNotSeen];
        attempt
    });
    assert_eq!(graph(&lost.collect::<Vec<_>>(), &requests).cycles, []);
}

#[test]
fn eight_who_wait_for_one_are_a_pile_up_and_seven_are_not() {
    let storm = |waiters: u64| {
        let mut leader = attempt(1, "xfs", 0, 1_000).init(100, 900, Errno::OK);
        let mark = |ms, edge| Mark {
            time: at(ms),
            function: Function::DoOneInitcall,
            edge,
        };
        leader.trail = vec![mark(100, Edge::Enter), mark(900, Edge::Exit(Some(0)))];
        let waiting = (2..2 + waiters).map(|id| {
            attempt(id, "xfs", 50, 1_000)
                .waited(WaitKind::SameName, Some(1), 200, 1_000)
                .got(Errno::EEXIST)
        });
        let attempts: Vec<_> = waiting.chain([leader]).collect();
        graph(&attempts, &[])
    };
    assert_eq!(storm(7).pile_ups, []);
    let graph = storm(8);
    let [pile] = graph.pile_ups.as_slice() else {
        panic!("{:?}", graph.pile_ups)
    };
    assert_eq!(
        (pile.owner, pile.most, pile.waiters, pile.total_ns),
        (Some(1), 8, 8, 6_400 * MS)
    );
    assert_eq!(
        pile.text(),
        "8 tasks at a time waited 6.40s in all (same-name) for the load of xfs by tid 1001 (modprobe), mostly in its stage init"
    );
    assert_eq!(graph.cycles, []);
}

#[test]
fn one_after_the_other_is_no_pile_up() {
    let mut attempts = vec![attempt(1, "m", 0, 1_000)];
    attempts
        .extend((2..50).map(|id| attempt(id, "m", 0, 1_000).waited(WaitKind::Mutex, Some(1), id * 10, id * 10 + 10)));
    assert_eq!(graph(&attempts, &[]).pile_ups, []);
}

#[test]
fn text_dot_and_stacks() {
    let (attempts, requests) = nested(50);
    let mut graph = graph(&attempts, &requests);
    let text = written(|out| write_text(&graph, Zero::Boot, usize::MAX, out));
    assert!(
        text.starts_with("DEADLOCK from 0.040 s to 5.040 s\n  nested request needs slot 51"),
        "{text}"
    );
    assert!(
        text.contains("outer: 49 waits, 246s\n  same-name   outer                         49    246s  longest 5.02s\n"),
        "{text}"
    );
    let dot = written(|out| write_dot(&graph, out));
    assert!(
        dot.contains("  \"request inner\" -> \"50 slots\" [label=\"slot 1x\\n5.00s\", penwidth=4];\n"),
        "{dot}"
    );
    let json = written(|out| write_json(&graph, out));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json).unwrap()["schema"],
        SCHEMA
    );
    let stacks = written(|out| write_folded(&graph, out));
    let expected = "mount requests outer-alias;modprobe;outer;same-name;outer modprobe 1001 245980000\n";
    assert!(stacks.contains(expected), "{stacks}");
    graph.select(&Names::matching(["xfs"]));
    assert_eq!((graph.cycles.len(), graph.edges.len(), graph.pile_ups.len()), (0, 0, 0));
    assert_eq!(written(|out| write_folded(&graph, out)), "");
}

#[test]
fn a_kworker_has_its_work_function() {
    let (attempts, mut requests) = nested(50);
    requests[0].comm = "kworker/0:1".into();
    requests[0].work = Some("deferred_probe_work_func".to_owned());
    let text = written(|out| write_text(&graph(&attempts, &requests), Zero::Boot, usize::MAX, out));
    assert!(
        text.contains(
            "    request 51 of inner, tid 5051 (kworker/0:1, work function deferred_probe_work_func): slot\n"
        ),
        "{text}"
    );
    assert!(text.contains("request inner: 1 wait, 5.00s\n"), "{text}");
}

#[test]
fn more_in_all_than_at_a_time() {
    let waiting = |from: u64| {
        (0..8).map(move |id| {
            attempt(from + id, "xfs", 0, from + 100).waited(WaitKind::SameName, Some(1), from, from + 100)
        })
    };
    let attempts: Vec<_> = waiting(200).chain(waiting(400)).collect();
    assert_eq!(
        graph(&attempts, &[]).pile_ups[0].text(),
        "8 of 16 tasks at a time waited 1.60s in all (same-name) for the load of xfs by tid 1001 (modprobe)"
    );
}

#[test]
fn no_name_breaks_a_format() {
    let mut odd = attempt(1, "m;\n\"\\", 0, 100).waited(WaitKind::SameName, Some(2), 10, 20);
    odd.comm = "mod;probe\n".into();
    let graph = graph(&[odd], &[]);
    let stacks = written(|out| write_folded(&graph, out));
    assert_eq!(
        stacks,
        "(unknown);mod,probe?;m,?\"\\;same-name;m,?\"\\ modprobe 1002 10000\n"
    );
    let dot = written(|out| write_dot(&graph, out));
    assert!(dot.contains(r#"  "m;?\"\\" -> "m;?\"\\" [label="#), "{dot}");
}

/// Any waits, on any numbers, as a hostile recording may have them.
fn anything(down_only: bool) -> impl Strategy<Value = (Vec<Attempt>, Vec<Request>)> {
    let wait = (0..7_usize, 0..20_u64, 0..40_u64, 0..40_u64);
    let one = (
        prop::collection::vec(wait, 0..3),
        any::<bool>(),
        0..12_u64,
        any::<bool>(),
    );
    prop::collection::vec(one, 1..20).prop_map(move |all| {
        let mut attempts = Vec::new();
        let mut requests = Vec::new();
        for (id, (waits, lasts, other, slot)) in (1..).zip(all) {
            let below = |other: u64| if down_only { other % id } else { other };
            let mut one = attempt(id, "m", 0, 100);
            for (kind, on, from, long) in waits {
                one = one.waited(WaitKind::ALL[kind], Some(below(on)), from, from + long);
            }
            // Down to attempts of a smaller number and requests of a smaller one.
            one.requests = vec![crate::model::RequestId(below(other))];
            attempts.push(if lasts { one.lasting() } else { one });
            let mut one = request(id, "m", 0, 100, 0).helped(&[below(other)]);
            if slot {
                one = one.without_slot(Errno(62), 50).inside(id);
            }
            requests.push(if lasts { one.lasting() } else { one });
        }
        (attempts, requests)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics((attempts, requests) in anything(false)) {
        let graph = graph(&attempts, &requests);
        for cycle in &graph.cycles {
            prop_assert!(cycle.members > 1 && cycle.way.len() > 1);
            prop_assert!(cycle.until_ns.is_none_or(|until| cycle.since_ns < until));
        }
        written(|out| write_text(&graph, Zero::Boot, usize::MAX, out));
        written(|out| write_dot(&graph, out));
        prop_assert!(written(|out| write_folded(&graph, out)).lines().all(|line| line.split(' ').count() >= 2));
    }

    #[test]
    fn edges_that_only_go_down_make_no_circle((attempts, requests) in anything(true)) {
        prop_assert_eq!(graph(&attempts, &requests).cycles, []);
    }
}
