//! Bounds of what a session holds. What it makes of events is told by the stories in tests/scenarios.

use super::*;
use crate::event::{FileId, ModuleRef, Syscall};
use crate::state::ModuleState;
use crate::units::{Inode, ModuleAddress};

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
        comm: "modprobe".to_owned(),
        parent_comm: String::new(),
        module: None,
    }))
}

fn module(address: u64, state: ModuleState) -> ModuleRef {
    ModuleRef {
        address: Some(ModuleAddress(address)),
        state: Some(state),
        name: "m".to_owned(),
    }
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

#[test]
fn a_storm_that_never_pauses_holds_what_is_in_flight() {
    let mut session = Session::new();
    let mut out = Vec::new();
    let file = FileId {
        inode: Some(Inode(7)),
        dev: 1,
        name: "m.ko".to_owned(),
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
                name: "m".to_owned(),
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
        name: "m".to_owned(),
    };
    for (time, tid, fact) in [
        (1, 1, enter(Syscall::InitModule)),
        (2, 1, Fact::FindModule(nothing)),
        (3, 2, enter(Syscall::InitModule)),
        (4, 2, Fact::FindModule(module(0xa0, ModuleState::Unformed))),
        (5, 2, Fact::WaitBegin("m".to_owned())),
    ] {
        session.apply(event(time, tid, fact), &mut out);
    }
    let waiter = session.in_flight().find(|one| one.attempt.tid == Tid(2));
    assert_eq!(waiter.as_ref().and_then(|one| one.role), Some(Role::Follower));
    let on = waiter.and_then(|one| one.waits).and_then(|wait| wait.on);
    assert_eq!(on.map(|on| on.tid), Some(Tid(1)));
}
