//! Findings of who waited and for whom.

use super::{one, sentence};
use crate::analysis::findings::Name;
use crate::analysis::graph::fixture::attempt;
use crate::model::{Attempt, Collision, Errno, Role, Syscall, WaitKind};

#[test]
fn parameters_ignored_by_who_shared_a_load() {
    let pair = |own, others| {
        let mut leader = attempt(1, "m", 0, 100);
        let mut shares = attempt(2, "m", 10, 90)
            .waited(WaitKind::SameInode, Some(1), 20, 90)
            .was(Role::Follower);
        (shares.args_len, leader.args_len) = (own, others);
        [shares, leader]
    };
    let mut of = pair(Some(7), Some(0));
    let expected =
        "1 attempt at m brought arguments that had no effect: they shared the load of another task, which had others";
    assert_eq!(sentence(one(Name::ParametersIgnored, &of, &[])), expected);
    // The one who leads may be handed out first.
    of.reverse();
    assert_eq!(sentence(one(Name::ParametersIgnored, &of, &[])), expected);
    for (own, others) in [(Some(7), Some(7)), (Some(0), Some(7)), (None, Some(7)), (Some(7), None)] {
        assert_eq!(
            one(Name::ParametersIgnored, &pair(own, others), &[]),
            None,
            "{own:?} {others:?}"
        );
    }
    // A load that failed for everybody ignored nothing.
    let [shares, leader] = pair(Some(7), Some(0));
    assert_eq!(
        one(Name::ParametersIgnored, &[shares.got(Errno(19)), leader], &[]),
        None
    );
}

#[test]
fn parameters_ignored_by_a_live_module() {
    let with = |args, errno, collision| {
        let mut late = attempt(2, "m", 10, 20).was(Role::Refused).got(errno);
        (late.args_len, late.collided_with) = (Some(args), collision);
        one(Name::ParametersIgnored, &[late], &[])
    };
    let live = Some(Collision::Live);
    assert_eq!(
        sentence(with(3, Errno::EEXIST, live)),
        "1 attempt at m brought arguments that had no effect: the module was LIVE already, and modprobe takes EEXIST for success"
    );
    // The one who loaded it had arguments of the same length: in flight, or long before.
    let loaded = |args| {
        let mut first = attempt(1, "m", 0, 100);
        first.args_len = Some(args);
        first
    };
    let late = |leader: Option<u64>| {
        let mut late = attempt(2, "m", 10, 105).was(Role::Follower).got(Errno::EEXIST);
        if let Some(leader) = leader {
            late = late.waited(WaitKind::SameName, Some(leader), 20, 100);
        }
        late.leader = late.waits.first().and_then(|wait| wait.on.clone());
        (late.args_len, late.collided_with) = (Some(3), Some(Collision::Coming));
        late
    };
    for leader in [Some(1), None] {
        for all in [[loaded(3), late(leader)], [late(leader), loaded(3)]] {
            let before = leader.is_none() && all[1].id.0 == 1;
            assert_eq!(one(Name::ParametersIgnored, &all, &[]).is_some(), before, "{leader:?}");
        }
        let others = one(Name::ParametersIgnored, &[loaded(4), late(leader)], &[]);
        assert_eq!(others.map(|finding| finding.attempts.count), Some(1));
    }
    assert_eq!(with(0, Errno::EEXIST, live), None);
    assert_eq!(with(3, Errno::EBUSY, Some(Collision::Going)), None);
    // EEXIST of something else, such as /sys/module.
    assert_eq!(with(3, Errno::EEXIST, None), None);
}

#[test]
fn mutex_across_grace_periods() {
    let failed = |errno| attempt(1, "m", 0, 300).waited(WaitKind::Rcu, None, 100, 250).got(errno);
    let waits = |from, to| attempt(2, "n", 0, 300).waited(WaitKind::Mutex, Some(1), from, to);
    let found = |all: &[Attempt]| sentence(one(Name::MutexAcrossRcu, all, &[]));
    let expected = "1 wait for module_mutex took 100ms while m was cleared up and held it across grace periods of RCU";
    assert_eq!(found(&[failed(Errno(19)), waits(50, 200)]), expected);
    assert_eq!(found(&[waits(50, 200), failed(Errno(19))]), expected);
    // Twice by one task is two waits, and no more.
    let twice = waits(100, 150).waited(WaitKind::Mutex, Some(1), 150, 200);
    assert_eq!(
        found(&[failed(Errno(19)), twice]),
        expected.replace("1 wait", "2 waits")
    );
    let mut unload = failed(Errno::OK);
    unload.syscall = Some(Syscall::DeleteModule);
    assert_eq!(found(&[waits(50, 200), unload]), expected);
    // Waits that ended before, and for a load that succeeded.
    assert_eq!(found(&[failed(Errno(19)), waits(50, 100)]), "");
    assert_eq!(found(&[failed(Errno::OK), waits(50, 200)]), "");
    // Nobody watched the mutex.
    assert_eq!(
        found(&[failed(Errno(19))]),
        "1 failed load of m spent 150ms in grace periods of RCU, mostly with module_mutex held"
    );
    let little = attempt(1, "m", 0, 300)
        .waited(WaitKind::Rcu, None, 100, 199)
        .got(Errno(19));
    assert_eq!(found(&[little]), "");
}
