//! What is told, in which words and in which order.

use super::*;
use crate::model::kind_of_task;
use crate::model::{Nanos, Parent, Tgid};

#[test]
fn findings_are_told_at_the_end() {
    let ids = |filter: Filter| -> Option<Vec<&str>> {
        let findings = fold(filter, nested()).findings?;
        Some(findings.iter().map(|finding| finding.id.name()).collect())
    };
    let all = ids(Filter::default()).unwrap();
    assert!(
        all.contains(&"busy-inherited") && all.contains(&"errno-dropped"),
        "{all:?}"
    );
    let told = text(&fold(Filter::default(), nested()));
    let (_, told) = told.split_once("\n\nFINDINGS\n").unwrap();
    assert!(told.starts_with(&format!("{}: ", all[0])), "{told}");
    // What is about no module, and what is about others.
    let of = |request: &str| {
        ids(Filter {
            request: Some(Glob::new(request)),
            ..Filter::default()
        })
        .unwrap()
    };
    let (inner, outer, none) = (of("kt-*"), of("fs-ktfs"), of("xfs"));
    assert!(
        inner.contains(&"throttle-exhausted") && !inner.contains(&"errno-dropped"),
        "{inner:?}"
    );
    assert!(
        outer.contains(&"errno-dropped") && !outer.contains(&"throttle-exhausted"),
        "{outer:?}"
    );
    assert_eq!(none, [""; 0]);
    let modules = Names::matching(["kt_dep"]);
    let some = ids(Filter {
        modules,
        ..Filter::default()
    })
    .unwrap();
    assert!(
        some.contains(&"busy-inherited") && !some.contains(&"errno-dropped"),
        "{some:?}"
    );
    let errno = Some(EINVAL);
    assert_eq!(
        ids(Filter {
            errno,
            ..Filter::default()
        }),
        None
    );
}

#[test]
fn what_modprobe_takes_for_success_comes_last() {
    let live = |id| {
        let mut live = load(id, number("EEXIST"), 0, 1);
        (live.role, live.collided_with) = (Some(Role::Refused), Some(Collision::Live));
        live
    };
    let mut own = load(9, number("ENODEV"), 0, 1);
    own.init = Some(init(number("ENODEV"), None));
    let all = finished(vec![live(1), live(2), own], Vec::new());
    let causes = fold(Filter::default(), all).causes;
    let order: Vec<_> = causes
        .iter()
        .map(|reason| (reason.causes[0].as_str(), reason.count))
        .collect();
    assert_eq!(order, [("init", 1), ("already-live", 2)]);
}

#[test]
fn loads_from_user_space_have_a_family() {
    let parent = |tgid, comm: &str| Parent {
        tgid: Tgid(tgid),
        comm: comm.into(),
    };
    let mut one = load(7, number("ENODEV"), 0, 1);
    one.init = Some(init(number("ENODEV"), None));
    one.parent = Some(parent(312, "(udev-worker)"));
    one.ancestors = vec![
        parent(280, "systemd-udevd"),
        parent(1, "systemd"),
        parent(0, "swapper/0"),
    ];
    let told = |one: &Attempt| text(&fold(Filter::default(), finished(vec![one.clone()], Vec::new())));
    // The request says more.
    assert!(!told(&one).contains("started by"));
    one.request = None;
    assert!(
        told(&one).contains("\n  task 907 was started by 312 ((udev-worker)) < 280 (systemd-udevd) < 1 (systemd)\n"),
        "{}",
        told(&one)
    );
    one.parent = None;
    one.ancestors = Vec::new();
    assert!(!told(&one).contains("started by"));
}

#[test]
fn requests_of_kworkers_have_a_work_function() {
    let mut one = late(3);
    one.comm = "kworker/0:1".into();
    one.work = Some("deferred_probe_work_func".to_owned());
    let why = text(&fold(Filter::default(), finished(Vec::new(), vec![one])));
    assert!(
        why.contains("request 3 by task 803 (kworker/0:1, work function deferred_probe_work_func) at 0.010 s waited"),
        "{why}"
    );
}

#[test]
fn kernel_tasks_have_stems() {
    for (comm, stem) in [
        ("test_kmod-12", "test_kmod"),
        ("kworker/u8:1", "kworker"),
        ("modprobe", "modprobe"),
        ("(udev-worker)", "(udev-worker)"),
        ("123", "123"),
    ] {
        assert_eq!(kind_of_task(comm), stem);
    }
}

#[test]
fn durations_have_a_blank() {
    let mut one = asked(1, 256, 0, 1);
    one.helper = Some(helper(256, Vec::new()));
    one.helper.as_mut().unwrap().span.end = Some(Ktime(Nanos(6_500_000_010).0));
    let why = fold(Filter::default(), finished(Vec::new(), vec![one]));
    assert!(text(&why).contains("ended with exit 1 after 6.50 s"), "{}", text(&why));
}
