//! Bounds of what a session holds. What it makes of events is told by the stories in tests/scenarios.

use super::*;
use crate::model::{FileId, Function, Inode, ModuleAddress, ModuleState, Name, Nanos, Syscall};
use crate::records::event::{HelperEnter, ModuleRef, OtherTask, SymbolFact, WaitEnd};
use proptest::prelude::*;

fn event(time: u64, tid: u32, fact: Fact) -> Event {
    Event {
        time: Ktime(time),
        tid: Tid(tid),
        tgid: Tgid(tid),
        cpu: 0,
        seq: time,
        fact,
    }
}

fn enter(syscall: Syscall) -> Fact {
    Fact::AttemptEnter(Box::new(AttemptEnter {
        syscall: Some(syscall),
        flags: 0,
        fd: None,
        image_bytes: None,
        args_len: None,
        cgroup_id: 1,
        parent_tgid: None,
        comm: "modprobe".into(),
        parent_comm: Name::default(),
        module: None,
    }))
}

fn module(address: u64, state: ModuleState) -> ModuleRef {
    ModuleRef {
        address: Some(ModuleAddress(address)),
        state: Some(state),
        name: "m".into(),
    }
}

#[test]
fn attempts_in_flight_keep_so_many_calls_together() {
    let mut session = Session::new();
    let mut out = Vec::new();
    let call = || {
        Fact::CallEnter(CallEnter {
            function: 0,
            at: 0,
            from: 0,
        })
    };
    let (tasks, each) = (32, 40_000);
    for tid in 1..=tasks {
        session.apply(event(1, tid, enter(Syscall::FinitModule)), &mut out);
        for _ in 0..each {
            session.apply(event(2, tid, call()), &mut out);
        }
    }
    let kept: usize = session.in_flight().map(|one| one.attempt.calls.len()).sum();
    let dropped: u64 = session.in_flight().map(|one| one.attempt.calls_dropped).sum();
    let all = tasks as usize * each;
    assert_eq!((kept, dropped), (task::CALLS_IN_FLIGHT, (all - kept) as u64));
    // One that returns makes room.
    session.apply(event(3, 1, Fact::AttemptExit(0)), &mut out);
    session.apply(event(4, tasks, call()), &mut out);
    let kept: usize = session.in_flight().map(|one| one.attempt.calls.len()).sum();
    assert_eq!(kept, task::CALLS_IN_FLIGHT - each + 1);
}

#[test]
fn where_a_file_lies_is_known_of_all_that_load_it() {
    let mut session = Session::new();
    let mut out = Vec::new();
    let file = |name: &str| {
        Fact::IdempotentEnter(FileId {
            inode: Some(Inode(7)),
            dev: 1,
            name: name.into(),
        })
    };
    let told = Fact::Path("/lib/m.ko".to_owned());
    let one = |facts: Vec<Fact>| [vec![enter(Syscall::FinitModule)], facts, vec![Fact::AttemptExit(0)]].concat();
    let loads = [
        one(vec![file("m.ko"), told]),
        one(vec![file("m.ko")]),
        one(vec![file("another.ko")]),
    ];
    for (time, fact) in (1..).zip(loads.concat()) {
        session.apply(event(time, 1, fact), &mut out);
    }
    let paths = out.iter().filter_map(|one| match one {
        Finished::Attempt(attempt) => Some(attempt.path.as_deref()),
        _ => None,
    });
    assert_eq!(paths.collect::<Vec<_>>(), [Some("/lib/m.ko"), Some("/lib/m.ko"), None]);
}

#[test]
fn an_attempt_knows_its_caller() {
    let mut session = Session::new();
    let mut out = Vec::new();
    let caller = Fact::Caller {
        uid: Some(1000),
        capable: Some(false),
    };
    let facts = [enter(Syscall::FinitModule), caller, Fact::AttemptExit(-1)];
    for (time, fact) in (1..).zip(facts) {
        session.apply(event(time, 1, fact), &mut out);
    }
    let callers = out.iter().filter_map(|one| match one {
        Finished::Attempt(attempt) => Some((attempt.uid, attempt.capable)),
        _ => None,
    });
    assert_eq!(callers.collect::<Vec<_>>(), [(Some(1000), Some(false))]);
}

/// A call outside of all loads may have been queued by any init function that runs.
#[test]
fn a_call_is_kept_by_few_init_functions() {
    for (running, keep) in [(MAY_HAVE_QUEUED, MAY_HAVE_QUEUED), (MAY_HAVE_QUEUED + 1, 0)] {
        let mut session = Session::new();
        let mut out = Vec::new();
        let tasks = u32::try_from(running).unwrap_or_default();
        for tid in 1..=tasks + 1 {
            session.apply(event(1, tid, enter(Syscall::FinitModule)), &mut out);
            session.apply(event(2, tid, Fact::InitStart(None)), &mut out);
        }
        // Neither does one whose init function is over, nor one that never returned from it.
        session.apply(event(3, tasks + 1, Fact::InitEnd(0)), &mut out);
        let (function, at, from) = (0, 0, 0);
        session.apply(
            event(4, 90_000, Fact::CallEnter(CallEnter { function, at, from })),
            &mut out,
        );
        let kept = session.in_flight().filter(|one| !one.attempt.calls.is_empty()).count();
        assert_eq!((kept, out.len()), (keep, usize::from(keep == 0)));
    }
}

#[test]
fn look_ups_of_one_name_that_find_nothing_do_not_gather() {
    let mut owners = owners::Owners::default();
    let task = |id| TaskRef {
        tid: Tid(1),
        comm: Name::default(),
        attempt: AttemptId(id),
    };
    for id in 0..20_000 {
        owners.enter("m");
        owners.load("m", &task(id), Ktime(id));
    }
    assert_eq!(owners.doers("m"), owners::KEPT);
    assert_eq!(
        owners.loading("m", AttemptId(0)).map(|task| task.attempt.0),
        Some(19_999)
    );
}

#[test]
fn lost_exits_do_not_gather() {
    let mut session = Session::new();
    let mut out = Vec::new();
    let tasks = u32::try_from(2 * IN_FLIGHT_MAX).unwrap_or_default();
    for tid in 0..tasks {
        session.apply(event(u64::from(tid), tid, enter(Syscall::FinitModule)), &mut out);
    }
    assert!(session.in_flight().count() <= IN_FLIGHT_MAX);
    session.finish(&mut out);
    assert_eq!(out.len(), 2 * IN_FLIGHT_MAX);
}

/// More than the finished doers of a name that are kept, each of which looks once more and finds nothing.
#[test]
fn every_waiter_for_a_failed_load_knows_whom_it_waited_for() {
    let mut session = Session::new();
    let mut out = Vec::new();
    let looks = |module: Option<ModuleRef>| {
        Fact::FindModule(module.unwrap_or(ModuleRef {
            address: None,
            state: None,
            name: "m".into(),
        }))
    };
    let coming = || module(0xa0, ModuleState::Coming);
    let enters = |session: &mut Session, out: &mut Vec<Finished>, time, tid, finds| {
        for fact in [enter(Syscall::InitModule), Fact::LoadEnter, looks(finds)] {
            session.apply(event(time, tid, fact), out);
        }
    };
    let leaves = |session: &mut Session, out: &mut Vec<Finished>, time, tid, ret| {
        for fact in [Fact::LoadExit(ret), Fact::AttemptExit(ret)] {
            session.apply(event(time, tid, fact), out);
        }
    };
    enters(&mut session, &mut out, 1, 1, None);
    session.apply(event(2, 1, Fact::ModuleState(coming())), &mut out);
    let waiters = 2..=100;
    for tid in waiters.clone() {
        enters(&mut session, &mut out, 10, tid, Some(coming()));
        session.apply(event(11, tid, Fact::WaitBegin("m".into())), &mut out);
    }
    leaves(&mut session, &mut out, 20, 1, -19);
    for tid in waiters {
        let time = 30 + u64::from(tid);
        let last = ModuleRef {
            state: None,
            address: None,
            ..coming()
        };
        session.apply(event(time, tid, Fact::WaitEnd(WaitEnd { last, checks: 3 })), &mut out);
        session.apply(event(time, tid, looks(None)), &mut out);
        leaves(&mut session, &mut out, time, tid, -16);
    }
    session.finish(&mut out);
    let owners = out.iter().filter_map(|finished| match finished {
        Finished::Attempt(attempt) => Some(attempt.waits.first()?.on.as_ref().map(|on| on.tid)),
        _ => None,
    });
    let owners: Vec<_> = owners.collect();
    assert_eq!(owners, vec![Some(Tid(1)); 99]);
}

#[test]
fn a_storm_that_never_pauses_holds_what_is_in_flight() {
    let mut session = Session::new();
    let mut out = Vec::new();
    let file = FileId {
        inode: Some(Inode(7)),
        dev: 1,
        name: "m.ko".into(),
    };
    // Two tasks take turns, so that one is always in flight and neither name nor inode is ever forgotten.
    for round in 0..2_000_u64 {
        let (time, tid) = (round * 10, u32::try_from(round % 2).unwrap_or_default());
        if round >= 2 {
            session.apply(event(time, tid, Fact::IdempotentExit(0)), &mut out);
            session.apply(event(time, tid, Fact::AttemptExit(0)), &mut out);
        }
        for fact in [
            enter(Syscall::FinitModule),
            Fact::IdempotentEnter(file.clone()),
            Fact::LeaderEnter,
            Fact::FindModule(ModuleRef {
                address: None,
                state: None,
                name: "m".into(),
            }),
            Fact::FindModule(module(round, ModuleState::Coming)),
        ] {
            session.apply(event(time + 1, tid, fact), &mut out);
        }
        assert!(session.shared_entries() <= 2);
    }
    session.finish(&mut out);
    assert_eq!(
        out.iter().filter(|one| matches!(one, Finished::Attempt(_))).count(),
        2_000
    );
}

#[test]
fn in_flight_tells_who_waits_for_whom() {
    let mut session = Session::new();
    let mut out = Vec::new();
    let nothing = ModuleRef {
        address: None,
        state: None,
        name: "m".into(),
    };
    for (time, tid, fact) in [
        (1, 1, enter(Syscall::InitModule)),
        (2, 1, Fact::FindModule(nothing)),
        (3, 2, enter(Syscall::InitModule)),
        (4, 2, Fact::FindModule(module(0xa0, ModuleState::Unformed))),
        (5, 2, Fact::WaitBegin("m".into())),
    ] {
        session.apply(event(time, tid, fact), &mut out);
    }
    let waiter = session.in_flight().find(|one| one.attempt.tid == Tid(2));
    assert_eq!(waiter.as_ref().and_then(|one| one.role), Some(Role::Follower));
    let on = waiter.and_then(|one| one.waits).and_then(|wait| wait.on);
    assert_eq!(on.map(|on| on.tid), Some(Tid(1)));
}

fn asks(name: &str, in_attempt: bool, in_fs_type: bool) -> Fact {
    Fact::RequestBegin(Box::new(RequestBegin {
        name: name.into(),
        comm: "mount".into(),
        kernel_thread: None,
        parent: None,
        work: None,
        in_attempt,
        in_fs_type,
    }))
}

fn helper(sub_info: u64, wait: i64) -> Fact {
    Fact::HelperEnter(HelperEnter {
        sub_info,
        wait,
        path: "/sbin/modprobe".to_owned(),
    })
}

#[test]
fn pending_tells_every_wait_while_it_lasts() {
    let waits = |facts: Vec<Fact>| {
        let mut session = Session::new();
        let mut out = Vec::new();
        session.apply(event(1, 9, enter(Syscall::InitModule)), &mut out);
        session.apply(event(1, 1, enter(Syscall::InitModule)), &mut out);
        for (time, fact) in (2..).zip(facts) {
            session.apply(event(time, 1, fact), &mut out);
        }
        let wait = session.in_flight().find(|one| one.attempt.tid == Tid(1));
        let wait = wait.and_then(|one| one.waits)?;
        Some((wait.kind, wait.span.start.0, wait.on.map(|on| on.tid.0), wait.module))
    };
    let symbol = Fact::Symbol(SymbolFact {
        ret: -16,
        name: "f".into(),
        owner: Some("dep".into()),
    });
    let mutex = Fact::MutexEnter(Some(OtherTask {
        tid: Tid(9),
        tgid: Tgid(9),
        comm: Name::default(),
    }));
    let rcu = Fact::Enter(Function::SynchronizeRcu);
    let dep = Some("dep".into());
    assert_eq!(waits(vec![mutex.clone()]), Some((WaitKind::Mutex, 2, Some(9), None)));
    assert_eq!(waits(vec![rcu.clone()]), Some((WaitKind::Rcu, 2, None, None)));
    assert_eq!(waits(vec![Fact::AsyncEnter]), Some((WaitKind::Async, 2, None, None)));
    assert_eq!(
        waits(vec![symbol.clone(), mutex]),
        Some((WaitKind::Dependency, 2, None, dep))
    );
    assert_eq!(waits(vec![symbol, rcu]).map(|wait| wait.0), Some(WaitKind::Rcu));
    let request = vec![asks("fs-x", true, false), Fact::SlotEnter];
    assert_eq!(
        waits(request.clone()),
        Some((WaitKind::Request, 2, None, Some("fs-x".into())))
    );
    assert_eq!(waits([request, vec![Fact::SlotExit(-62)]].concat()), None);
}

#[test]
fn requests_in_flight_show_what_they_wait_for() {
    let mut session = Session::new();
    let mut out = Vec::new();
    for (time, fact) in [(1, asks("fs-x", false, true)), (2, Fact::SlotEnter)] {
        session.apply(event(time, 1, fact), &mut out);
    }
    let slot = session.requests_in_flight().next().and_then(|request| request.slot);
    assert_eq!(slot.map(|slot| slot.span.end), Some(None));
    session.apply(event(3, 1, Fact::SlotExit(-62)), &mut out);
    assert_eq!(session.requests_in_flight().count(), 1, "get_fs_type has not returned");
    let tick = Fact::Tick(crate::records::event::Counters::default());
    session.apply(event(3 + 1_000_000_000, 0, tick), &mut out);
    assert_eq!(session.requests_in_flight().count(), 0, "its return was lost");
}

#[test]
fn lost_ends_of_requests_and_helpers_do_not_gather() {
    let mut session = Session::new();
    let mut out = Vec::new();
    // Nobody waits for these helpers, and no end of one is ever seen.
    for at in 0..40_000_u32 {
        let time = u64::from(at) * 10;
        session.apply(event(time, at, asks("a", false, false)), &mut out);
        session.apply(event(time + 1, at, helper(u64::from(at), 1)), &mut out);
        session.apply(event(time + 2, 100_000 + at, Fact::HelperTask(u64::from(at))), &mut out);
        session.apply(event(time + 3, at, Fact::HelperExit(0)), &mut out);
    }
    assert!(session.requests_in_flight().count() <= IN_FLIGHT_MAX);
    assert!(session.shared_entries() <= 2 * IN_FLIGHT_MAX);
    session.drain(&mut out);
    assert_eq!((out.len(), session.shared_entries()), (40_000, 0));
}

#[test]
fn what_is_kept_of_one_attempt_is_bounded_and_said() {
    let mut session = Session::new();
    let mut out = Vec::new();
    session.apply(event(0, 1, enter(Syscall::DeleteModule)), &mut out);
    for time in 1..5_000 {
        session.apply(event(time, 1, Fact::Passed(Function::ApplyRelocateAdd)), &mut out);
        session.apply(event(time, 1, Fact::Printk("again".to_owned())), &mut out);
    }
    session.apply(event(5_000, 1, Fact::AttemptExit(-2)), &mut out);
    let Some(Finished::Attempt(attempt)) = out.first() else {
        unreachable!("it returned")
    };
    assert_eq!((attempt.trail.len(), attempt.log.len()), (1_024, 1_024));
    assert_eq!(attempt.notes, [Note::InnerMissing]);
}

#[test]
fn calls_belong_to_their_task_or_to_the_init_functions_that_run() {
    let call = |function| {
        Fact::CallEnter(CallEnter {
            function,
            at: 0,
            from: 0,
        })
    };
    let init = Fact::InitStart(None);
    let mut session = Session::new();
    let mut out = Vec::new();
    for (time, tid, fact) in [
        (1, 9, call(7)),
        (2, 1, enter(Syscall::FinitModule)),
        // The attempt of 1 does not run init yet.
        (3, 9, call(6)),
        (4, 1, init),
        (5, 1, call(0)),
        (6, 1, Fact::SwitchOut { preempted: false }),
        (7, 9, call(5)),
        (8, 9, Fact::CallExit(5, NOT_KEPT)),
        (9, 1, Fact::SwitchIn),
        (10, 1, Fact::CallExit(0, -19)),
        (11, 1, Fact::InitEnd(-19)),
        (12, 9, Fact::CallExit(6, 0)),
        (13, 1, Fact::SwitchOut { preempted: true }),
        (14, 1, Fact::AttemptExit(-19)),
        (15, 1, Fact::SwitchIn),
    ] {
        session.apply(event(time, tid, fact), &mut out);
    }
    let mut outside = Vec::new();
    let mut inside = Vec::new();
    for one in &out {
        match one {
            Finished::Call(mark) => outside.push(mark.function),
            Finished::Attempt(attempt) => {
                inside.extend(attempt.calls.iter().map(|mark| (mark.tid.0, mark.function)));
                let off: Vec<_> = attempt
                    .off_cpu
                    .iter()
                    .map(|off| (off.span.duration(), off.preempted))
                    .collect();
                assert_eq!(off, [(Some(Nanos(3)), false), (None, true)]);
                assert_eq!(attempt.calls[2].edge, CallEdge::Exit(None));
            }
            _ => {}
        }
    }
    assert_eq!(outside, [7, 6, 6]);
    assert_eq!(inside, [(1, 0), (9, 5), (9, 5), (1, 0)]);
}

/// Facts by which entries are made and forgotten.
fn any_fact() -> impl Strategy<Value = Fact> {
    let file = FileId {
        inode: Some(Inode(7)),
        dev: 1,
        name: "m.ko".into(),
    };
    let child = OtherTask {
        tid: Tid(2),
        tgid: Tgid(2),
        comm: Name::default(),
    };
    prop::sample::select(vec![
        enter(Syscall::FinitModule),
        Fact::AttemptExit(0),
        Fact::IdempotentEnter(file),
        Fact::LeaderEnter,
        Fact::FindModule(module(0xa0, ModuleState::Coming)),
        asks("a", false, false),
        asks("b", true, false),
        asks("c", false, true),
        Fact::RequestSecurity(-1),
        Fact::SlotEnter,
        Fact::SlotExit(-62),
        Fact::SlotGivenUp,
        helper(1, 6),
        helper(1, 5),
        helper(2, 5),
        Fact::HelperTask(1),
        Fact::HelperTask(2),
        Fact::HelperFork(child),
        Fact::HelperEnd(0),
        Fact::HelperExit(0),
        Fact::HelperExit(256),
        Fact::FsTypeExit {
            found: false,
            called_by: None,
        },
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_left_at_the_end(facts in prop::collection::vec((0..4_u32, 0..20_000_000_u64, any_fact()), 0..200)) {
        let mut session = Session::new();
        let (mut time, mut out) = (0, Vec::new());
        for (tid, step, fact) in facts {
            time += step;
            session.apply(event(time, tid, fact), &mut out);
        }
        session.drain(&mut out);
        prop_assert_eq!((session.in_flight().count(), session.shared_entries()), (0, 0));
    }
}
