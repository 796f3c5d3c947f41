//! The ways in which a test of `request_module` saw -EINVAL that no function of the loader had returned, and what keeps
//! the fold honest.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

mod words;

use proptest::prelude::*;

use super::*;
use crate::analysis::origin::tests::others::{helper, request};
use crate::analysis::origin::tests::{attempt, init, number, task, wait};
use crate::model::{
    AttemptId, Caller, Collision, LogLine, MARKS_KEPT, RequestId, Role, SlotWait, Span, Syscall, Tid, WaitKind,
};

const MS: u64 = 1_000_000;
const EINVAL: Errno = Errno(22);

/// Request N of `test_kmod`, in milliseconds, with what `get_fs_type` made of it.
fn asked(id: u64, ret: i64, from: u64, to: u64) -> Request {
    let mut request = request(ret);
    request.id = RequestId(id);
    request.tid = Tid(800 + u32::try_from(id).unwrap());
    request.comm = format!("test_kmod-{id}").into();
    (request.start, request.end) = (Some(Ktime(from * MS)), Some(Ktime(to * MS)));
    request.granted = Some(Ktime(from * MS));
    request.caller = Some(Caller {
        function: "get_fs_type",
        found: ret == 0,
        called_by: Some("run_request [test_kmod]".to_owned()),
        time: Ktime(to * MS),
    });
    request
}

/// A request that got no slot in 5 s.
fn late(id: u64) -> Request {
    let mut late = asked(id, number("ETIME"), 10, 5010);
    late.granted = None;
    late.slot = Some(SlotWait {
        span: Span {
            start: Ktime(10 * MS),
            end: Some(Ktime(5010 * MS)),
        },
        errno: Errno::named("ETIME"),
        held: 50,
    });
    late
}

/// Attempt N of the modprobe of request N.
fn load(id: u64, ret: i64, from: u64, to: u64) -> Attempt {
    let mut load = attempt(ret, "+load_module .module_frob_arch_sections .find_module_all");
    load.id = AttemptId(id);
    load.tid = Tid(900 + u32::try_from(id).unwrap());
    load.module = Some("kt_fs".into());
    load.request = Some(RequestId(id));
    (load.start, load.end) = (Some(Ktime(from * MS)), Some(Ktime(to * MS)));
    load
}

/// An attempt that waited for attempt 1.
fn behind(id: u64) -> Attempt {
    let mut behind = load(id, number("EBUSY"), 200, 5200);
    behind.role = Some(Role::Follower);
    behind.collided_with = Some(Collision::Coming);
    behind.waits = vec![wait(WaitKind::SameName, Some(load(1, 0, 0, 1).task()))];
    behind.waits[0].span = Span {
        start: Ktime(210 * MS),
        end: Some(Ktime(5190 * MS)),
    };
    behind
}

/// Request N, whose modprobe ended with exit 1 after attempt N.
fn failed(id: u64) -> Request {
    let mut failed = asked(id, 256, 10, 5300);
    failed.helper = Some(helper(256, vec![AttemptId(id)]));
    let span = &mut failed.helper.as_mut().unwrap().span;
    (span.start, span.end) = (Ktime(20 * MS), Some(Ktime(5290 * MS)));
    failed
}

fn fold(filter: Filter, all: Vec<Finished>) -> Why {
    let mut fold = WhyFold::new(filter, Zero::Boot, &[], Coverage::default());
    for one in all {
        fold.add(one);
    }
    fold.finish(Ktime(10_000 * MS))
}

fn einval(all: Vec<Finished>) -> String {
    let filter = Filter {
        errno: Some(EINVAL),
        ..Filter::default()
    };
    text(&fold(filter, all))
}

fn text(why: &Why) -> String {
    let mut out = Vec::new();
    write_text(why, usize::MAX, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.is_ascii(), "{text}");
    text
}

fn finished(attempts: Vec<Attempt>, requests: Vec<Request>) -> Vec<Finished> {
    let attempts = attempts.into_iter().map(|one| Finished::Attempt(Box::new(one)));
    let requests = requests.into_iter().map(|one| Finished::Request(Box::new(one)));
    attempts.chain(requests).collect()
}

#[test]
fn failures_of_too_many_names_are_told_as_one() {
    let mut fold = WhyFold::default();
    for id in 1..=10_000 {
        let mut load = load(id, number("ENOEXEC"), id, id + 1);
        load.module = Some(format!("m{id}").into());
        fold.add(Finished::Attempt(Box::new(load)));
    }
    let causes = fold.finish(Ktime(0)).causes;
    let most = causes.first().unwrap();
    assert_eq!((most.name.as_deref(), causes.len()), (Some("(others)"), 4_097));
    assert_eq!(causes.iter().map(|reason| reason.count).sum::<u64>(), 10_000);
}

#[test]
fn names_that_anybody_can_make_up_are_told_as_one() {
    let unload = |id: u64, errno: &str| {
        let mut unload = attempt(number(errno), "");
        (unload.id, unload.syscall, unload.uid) = (AttemptId(id), Some(Syscall::DeleteModule), Some(1_000));
        unload.module = Some(format!("m{id}").into());
        Finished::Attempt(Box::new(unload))
    };
    let flood = |ids: std::ops::RangeInclusive<u64>, filter| fold(filter, ids.map(|id| unload(id, "EPERM")).collect());
    let told = text(&flood(1..=10_000, Filter::default()));
    assert!(
        told.contains(
            "10000 unloads of several modules, by modprobe (uid 1000), failed: not allowed to unload modules (EPERM)"
        ) && told.contains("the modules: m1, m2, m3, m4, m5, m6 and others"),
        "{told}"
    );
    // One name is told as such, and so is the one that is asked for, and what a module itself is the reason for.
    assert!(text(&flood(1..=1, Filter::default())).contains("1 unload of m1 failed"));
    let filter = Filter {
        modules: Names::matching(["m2*"]),
        ..Filter::default()
    };
    assert_eq!(flood(1..=20, filter).causes.len(), 2);
    let busy = (1..=3).map(|id| unload(id, "EBUSY")).collect();
    assert_eq!(fold(Filter::default(), busy).causes.len(), 3);
}

#[test]
fn slow_modprobe() {
    // 62 threads, and every modprobe takes longer than five seconds.
    let mut requests: Vec<_> = (51..=62).map(late).collect();
    requests.extend((1..=50).map(|id| asked(id, 0, id.min(9), 5900 + id)));
    insta::assert_snapshot!("slow_modprobe", einval(finished(Vec::new(), requests)));
}

#[test]
fn failing_init() {
    let mut leader = load(1, number("ENODEV"), 100, 5150);
    leader.init = Some(init(number("ENODEV"), Some("kt_fs_init [kt_fs]")));
    leader.init.as_mut().unwrap().span = Span {
        start: Ktime(140 * MS),
        end: Some(Ktime(5140 * MS)),
    };
    // Those that waited return before the one that they waited for.
    let mut attempts: Vec<_> = (2..=50).map(behind).collect();
    attempts.push(leader);
    let all = finished(attempts, (1..=50).map(failed).collect());
    insta::assert_snapshot!("failing_init", einval(all.clone()));
    insta::assert_snapshot!("failing_init_of_all", text(&fold(Filter::default(), all)));
}

/// At exactly 50 threads: the init function asks for slot 51.
fn nested() -> Vec<Finished> {
    let mut inner = late(51);
    inner.name = "kt-nothing".into();
    inner.comm = "modprobe".into();
    inner.caller = None;
    inner.inside = Some(AttemptId(1));
    let mut leader = load(1, number("ETIME"), 5, 5150);
    leader.init = Some(init(number("ETIME"), Some("kt_dep_init [kt_dep]")));
    leader.module = Some("kt_dep".into());
    leader.requests = vec![RequestId(51)];
    let mut attempts: Vec<_> = (2..=50).map(behind).collect();
    for attempt in &mut attempts {
        attempt.module = Some("kt_dep".into());
    }
    attempts.insert(0, leader);
    let mut requests: Vec<_> = (1..=50).map(failed).collect();
    requests.insert(0, inner);
    finished(attempts, requests)
}

#[test]
fn nested_request() {
    insta::assert_snapshot!("nested_request", einval(nested()));
}

#[test]
fn no_modprobe() {
    let cannot = |id| {
        let mut cannot = asked(id, 32512, 10, 40);
        cannot.helper = Some(helper(32512, Vec::new()));
        cannot
    };
    insta::assert_snapshot!(
        "no_modprobe",
        einval(finished(Vec::new(), (1..=50).map(cannot).collect()))
    );
}

/// What is said where the facts of the kernel are these.
fn on(environment: &Environment, all: Vec<Finished>) -> String {
    let fold = WhyFold::new(Filter::default(), Zero::Boot, &[], Coverage::default());
    let mut fold = fold.in_environment(Some(environment));
    for one in all {
        fold.add(one);
    }
    text(&fold.finish(Ktime(10_000 * MS)))
}

#[test]
fn modules_that_were_disabled_before_are_the_reason() {
    let all = || finished(vec![attempt(-1, "")], Vec::new());
    let environment = |modules_disabled| Environment {
        modules_disabled,
        ..Environment::default()
    };
    let said = on(&environment(Some(true)), all());
    assert!(
        said.contains("kernel.modules_disabled is 1 since before the recording"),
        "{said}"
    );
    assert!(said.contains("only a reboot clears it"), "{said}");
    for open in [None, Some(false)] {
        let said = on(&environment(open), all());
        assert!(!said.contains("since before the recording"), "{said}");
    }
}

#[test]
fn the_caller_says_why_it_is_not_allowed() {
    let refused = |uid, capable| {
        let mut refused = attempt(-1, "");
        (refused.uid, refused.capable) = (Some(uid), capable);
        refused
    };
    let said = |all| text(&fold(Filter::default(), finished(all, Vec::new())));
    let unable = said(vec![refused(1000, Some(false))]);
    assert!(
        unable.contains("the caller (uid 1000) has no CAP_SYS_MODULE"),
        "{unable}"
    );
    let able = said(vec![refused(0, Some(true))]);
    assert!(
        able.contains("kernel.modules_disabled is 1: the caller (uid 0) has CAP_SYS_MODULE"),
        "{able}"
    );
    let mut later = load(2, 0, 10, 20);
    later.request = None;
    let open = said(vec![refused(0, Some(true)), later]);
    assert!(!open.contains("modules_disabled is 1"), "{open}");
}

#[test]
fn a_modprobe_without_its_list_finds_nothing() {
    let mut found_nothing = asked(1, 256, 10, 40);
    found_nothing.helper = Some(helper(256, Vec::new()));
    found_nothing.helper.as_mut().unwrap().runs = Some(Ktime(30));
    let all = || finished(Vec::new(), vec![found_nothing.clone()]);
    let environment = |modules_dep| Environment {
        release: "6.1.0-56".to_owned(),
        modules_dep,
        ..Environment::default()
    };
    let missing = "there is no /lib/modules/6.1.0-56/modules.dep: modprobe finds no module";
    let guess = "it found no module of this name or alias in /lib/modules";
    let said = on(&environment(Some(false)), all());
    assert!(said.contains(missing) && !said.contains(guess), "{said}");
    let said = on(&environment(Some(true)), all());
    assert!(said.contains(guess) && !said.contains(missing), "{said}");
}

#[test]
fn an_errno_of_the_loader_comes_first() {
    let parameter = attempt(-22, "+load_module +parse_args -parse_args=-22 -load_module=-22");
    let why = fold(
        Filter {
            errno: Some(EINVAL),
            ..Filter::default()
        },
        finished(vec![parameter], vec![late(51)]),
    );
    assert_eq!(why.summary, Vec::<String>::new());
    assert_eq!(why.causes[0].causes, ["parameter"]);
    assert_eq!(why.dropped[0].causes, ["no-slot"]);
    assert!(!text(&why).contains("no function of the loader"));
}

#[test]
fn filters() {
    let count = |filter: Filter| {
        let why = fold(filter, nested());
        (
            why.causes.iter().map(|reason| reason.count).sum::<u64>(),
            why.dropped.len(),
        )
    };
    assert_eq!(count(Filter::default()), (101, 0));
    let glob = |text: &str| Some(Glob::new(text));
    assert_eq!(
        count(Filter {
            request: glob("kt-*"),
            ..Filter::default()
        }),
        (1, 0)
    );
    assert_eq!(
        count(Filter {
            modules: Names::matching(["kt_dep"]),
            ..Filter::default()
        }),
        (100, 0)
    );
    let busy = Filter {
        errno: Some(Errno::EBUSY),
        ..Filter::default()
    };
    assert_eq!(count(busy), (49, 1));
    let nothing = fold(
        Filter {
            modules: Names::matching(["xfs"]),
            ..Filter::default()
        },
        nested(),
    );
    assert!(text(&nothing).starts_with("no load, unload or request of such a name was seen"));
}

#[test]
fn counts_are_exact_where_few_failures_take_much() {
    let line = LogLine {
        time: Ktime(1),
        text: String::new(),
    };
    let large = MARKS_KEPT / 10;
    let mut fold = WhyFold::new(Filter::default(), Zero::Boot, &[], Coverage::default());
    let mut most = 0;
    for id in 1..=25 {
        let mut one = load(id, -19, id, id + 1);
        one.init = Some(init(-19, None));
        one.log = vec![line.clone(); large / 4];
        fold.add(Finished::Attempt(Box::new(one)));
        most = most.max(fold.window.len());
    }
    assert_eq!(most, 9);
    let counts: Vec<u64> = fold.finish(Ktime(100)).causes.iter().map(|cause| cause.count).collect();
    assert_eq!(counts, [25]);
}

#[test]
fn counts_are_exact_when_memory_is_not() {
    let many = 3 * u64::try_from(window::SETTLED).unwrap();
    let mut fold = WhyFold::new(Filter::default(), Zero::Boot, &[], Coverage::default());
    for id in 1..=many {
        let mut one = load(id, -19, id, id + 1);
        one.init = Some(init(-19, None));
        fold.add(Finished::Attempt(Box::new(one)));
    }
    assert_eq!(fold.window.len(), 2 * window::SETTLED);
    let why = fold.finish(Ktime(0));
    assert_eq!(
        (why.causes.len(), why.causes[0].count, why.failed_attempts),
        (1, many, many)
    );
}

#[test]
fn a_chain_ends_where_it_bites_its_tail() {
    let mut one = behind(2);
    one.waits[0].on = Some(task(2));
    let why = fold(Filter::default(), finished(vec![one], Vec::new()));
    assert!(why.causes[0].sentences.len() <= 8, "{why:?}");
}

proptest! {
    #[test]
    fn anything_is_told(
        attempts in prop::collection::vec((0_u64..9, -40_i64..2, 0_u64..9, prop::bool::ANY), 0..12),
        requests in prop::collection::vec((0_u64..9, -70_i64..600, 0_u64..9), 0..12),
    ) {
        let mut all = Vec::new();
        for (id, ret, on, same) in attempts {
            let mut one = load(id, ret, 0, 1);
            let kind = if same { WaitKind::SameName } else { WaitKind::SameInode };
            one.waits = vec![wait(kind, Some(task(on)))];
            one.requests = vec![RequestId(on)];
            all.push(Finished::Attempt(Box::new(one)));
        }
        for (id, ret, attempt) in requests {
            let mut one = asked(id, ret, 0, 1);
            one.helper = Some(helper(ret, vec![AttemptId(attempt)]));
            all.push(Finished::Request(Box::new(one)));
        }
        let failed = all.iter().filter(|one| match one {
            Finished::Attempt(attempt) => attempt.failed(),
            Finished::Request(request) => request.failed(),
            Finished::State(_) | Finished::Call(_) => false,
        });
        let failed = u64::try_from(failed.count())?;
        let why = fold(Filter::default(), all);
        prop_assert_eq!(why.failed_attempts + why.failed_requests, failed);
        prop_assert!(text(&why).lines().count() < 1000);
    }
}
