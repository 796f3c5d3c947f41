//! Each finding with its counter-example: a session much like it in which there is none.

use super::*;
use crate::attempt::{Attempt, Collision, Role, WaitKind};
use crate::errno::Errno;
use crate::event::{FileId, Syscall};
use crate::graph::fixture::{at, attempt, nested, request};
use crate::report::{Glob, Selection};
use crate::request::{Caller, Request};
use crate::units::Inode;

fn found(attempts: &[Attempt], requests: &[Request]) -> Vec<Finding> {
    let mut findings = Findings::default();
    for attempt in attempts {
        findings.add(&Finished::Attempt(Box::new(attempt.clone())));
    }
    for request in requests {
        findings.add(&Finished::Request(Box::new(request.clone())));
    }
    findings.list()
}

/// The one finding of this name, if there is one.
fn one(name: Name, attempts: &[Attempt], requests: &[Request]) -> Option<Finding> {
    let mut all = found(attempts, requests)
        .into_iter()
        .filter(|finding| finding.id == name);
    let first = all.next();
    assert_eq!(all.next(), None, "twice");
    first
}

fn sentence(finding: Option<Finding>) -> String {
    finding.map_or_else(String::new, |finding| finding.sentence)
}

fn follower(id: u64, module: &str) -> Attempt {
    attempt(id, module, 20, 110)
        .waited(WaitKind::SameName, Some(1), 30, 100)
        .was(Role::Follower)
        .got(Errno::EEXIST)
}

#[test]
fn herd() {
    let storm = |followers: u64| {
        let mut all = vec![attempt(1, "xfs", 0, 100)];
        all.extend((2..2 + followers).map(|id| follower(id, "xfs")));
        all
    };
    let found = one(Name::Herd, &storm(9), &[]);
    assert_eq!(
        sentence(found.clone()),
        "10 attempts tried to load xfs, 1 went ahead; 9 waited 630ms in all (modprobe 9), and 36.0KiB were read for nothing"
    );
    let attempts = found.map(|finding| finding.attempts).unwrap_or_default();
    assert_eq!((attempts.count, attempts.ids), (9, vec![2, 3, 4, 5, 6, 7, 8, 9]));
    let nothing_read: Vec<Attempt> = storm(9).into_iter().map(|each| each.got(Errno::OK)).collect();
    assert!(sentence(one(Name::Herd, &nothing_read, &[])).ends_with("(modprobe 9)"));
    assert_eq!(one(Name::Herd, &storm(7), &[]), None);
    // Loads and unloads in turn, each meeting two others: that is use, and no herd.
    let turns: Vec<Attempt> = (0..9).flat_map(|_| storm(2)).collect();
    assert_eq!(one(Name::Herd, &turns, &[]), None);
}

#[test]
fn init_fails_again() {
    let failing = |times: u64, errno| -> Vec<Attempt> {
        let each = |id| {
            attempt(id, "acpi", id * 100, id * 100 + 50)
                .init(id * 100, id * 100 + 40, errno)
                .got(errno)
        };
        (1..=times).map(each).collect()
    };
    assert_eq!(
        sentence(one(Name::InitFailsAgain, &failing(3, Errno(19)), &[])),
        "the init function of acpi failed with ENODEV 3 times and took 120ms in all (modprobe 3)"
    );
    assert_eq!(one(Name::InitFailsAgain, &failing(2, Errno(19)), &[]), None);
    assert_eq!(one(Name::InitFailsAgain, &failing(30, Errno::OK), &[]), None);
}

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
        "1 attempt at m brought arguments that had no effect: the module was LIVE already (EEXIST)"
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
fn busy_is_inherited() {
    let mut going = attempt(1, "m", 0, 10).was(Role::Refused).got(Errno::EBUSY);
    going.collided_with = Some(Collision::Going);
    assert_eq!(
        sentence(one(Name::BusyInherited, &[going], &[])),
        "1 attempt at m got EBUSY because the old module was going away (GOING)"
    );
    let waited = follower(2, "m").got(Errno::EBUSY);
    assert_eq!(
        sentence(one(
            Name::BusyInherited,
            &[waited.clone(), follower(3, "m").got(Errno::EBUSY)],
            &[]
        )),
        "2 attempts at m got EBUSY because the load that they had waited for failed or was undone"
    );
    // The init function's own, a dependency's, and the end of a wait for a module that loaded.
    let own = attempt(1, "m", 0, 10).init(1, 9, Errno::EBUSY).got(Errno::EBUSY);
    let dependency = waited.waited(WaitKind::Dependency, Some(1), 100, 105);
    assert_eq!(
        one(Name::BusyInherited, &[own, dependency, follower(4, "m")], &[]),
        None
    );
}

#[test]
fn exist_is_hidden() {
    let init = |errno, told| {
        let one_of = attempt(1, "dm_x", 0, 10).init(1, 9, errno).got(told);
        one(Name::ExistHidden, &[one_of], &[])
    };
    assert_eq!(
        sentence(init(Errno::EEXIST, Errno::EEXIST)),
        "the init function of dm_x returned EEXIST once, and finit_module passed it on: modprobe takes it for success"
    );
    // 7.x makes it EBUSY, which modprobe tells.
    assert_eq!(init(Errno::EEXIST, Errno::EBUSY), None);
    assert_eq!(one(Name::ExistHidden, &[follower(2, "dm_x")], &[]), None);
}

#[test]
fn throttle_is_exhausted() {
    let waiting = |errno| {
        let late = (1..=12).map(|id| request(id, "fs-xfs", 0, 5_000, -62).without_slot(errno, 50));
        late.collect::<Vec<_>>()
    };
    let found = one(Name::ThrottleExhausted, &[], &waiting(Errno(62)));
    assert_eq!(
        sentence(found.clone()),
        "12 requests waited 60.0s in all for one of the 50 slots of request_module and got none (ETIME): fs-xfs 12"
    );
    assert_eq!(found.map(|finding| finding.requests.count), Some(12));
    assert_eq!(one(Name::ThrottleExhausted, &[], &waiting(Errno::ERESTARTSYS)), None);
    // A wait for a slot that came.
    let mut got = waiting(Errno(62));
    for one in &mut got {
        one.slot.iter_mut().for_each(|slot| slot.errno = None);
    }
    assert_eq!(one(Name::ThrottleExhausted, &[], &got), None);
}

#[test]
fn others_asynchronous_work() {
    let load = |from| attempt(1, "m", 0, 1_000).waited(WaitKind::Async, None, from, 1_000);
    assert_eq!(
        sentence(one(Name::AsyncOfOthers, &[load(400)], &[])),
        "1 load of m spent 600ms of 1.00s waiting for asynchronous work of the whole system"
    );
    assert_eq!(one(Name::AsyncOfOthers, &[load(500)], &[]), None);
    // Most of nothing is nothing.
    let short = attempt(1, "m", 0, 10).waited(WaitKind::Async, None, 1, 10);
    assert_eq!(one(Name::AsyncOfOthers, &[short], &[]), None);
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

#[test]
fn killed_by_a_signal() {
    let killed = follower(2, "m").got(Errno::ERESTARTSYS);
    assert_eq!(
        sentence(one(Name::KilledBySignal, &[killed], &[])),
        "a signal ended 1 load of m after waits of 70.0ms in all (modprobe 1)"
    );
    let own = attempt(1, "m", 0, 10).init(1, 9, Errno::EINTR).got(Errno::EINTR);
    assert_eq!(one(Name::KilledBySignal, &[own, follower(3, "m")], &[]), None);
    let of = |ret| one(Name::KilledBySignal, &[], &[request(1, "fs-xfs", 0, 100, ret)]);
    assert_eq!(
        sentence(of(9)),
        "a signal ended requests of fs-xfs: 1 modprobe killed (mount 1)"
    );
    assert_eq!(
        sentence(of(-512)),
        "a signal ended requests of fs-xfs: 1 requester killed (mount 1)"
    );
    for ret in [0, 256, 32_512, -62] {
        assert_eq!(of(ret), None, "{ret}");
    }
}

#[test]
fn one_name_from_two_files() {
    let from = |id, name: &str, inode| {
        let mut load = attempt(id, "m", id * 10, id * 10 + 5);
        load.file = Some(FileId {
            inode: Some(Inode(inode)),
            dev: 1,
            name: name.to_owned(),
        });
        load
    };
    let found = one(
        Name::TwoFiles,
        &[from(1, "m.ko", 5), from(2, "m.ko.xz", 9), from(3, "m.ko", 5)],
        &[],
    );
    assert_eq!(
        sentence(found.clone()),
        "m was loaded from 2 files: m.ko (inode 5 of device 1), m.ko.xz (inode 9 of device 1)"
    );
    assert_eq!(found.map(|finding| finding.attempts.ids), Some(vec![1, 2]));
    assert_eq!(
        one(Name::TwoFiles, &[from(1, "m.ko", 5), from(2, "m.ko", 5)], &[]),
        None
    );
    // What never came to the loader has its name from its file, and is perhaps no module.
    let mut early = from(2, "m.ko", 9);
    early.load = None;
    assert_eq!(one(Name::TwoFiles, &[from(1, "m.ko", 5), early], &[]), None);
}

#[test]
fn deadlock_and_the_slots_of_it() {
    let (attempts, requests) = nested(50);
    let found = one(Name::Deadlock, &attempts, &requests);
    assert!(
        sentence(found.clone()).starts_with("nested request needs slot 51"),
        "{found:?}"
    );
    assert_eq!(found.and_then(|finding| finding.module).as_deref(), Some("outer"));
    let (attempts, requests) = nested(49);
    assert_eq!(one(Name::Deadlock, &attempts, &requests), None);
}

#[test]
fn pile_up() {
    let storm = |waiters: u64| {
        let all = (2..2 + waiters).map(|id| follower(id, "xfs"));
        one(Name::PileUp, &all.collect::<Vec<_>>(), &[])
    };
    assert_eq!(
        sentence(storm(8)),
        "8 tasks at a time, 8 in all, waited 560ms (same-name) for the load of xfs by tid 1001 (modprobe)"
    );
    assert_eq!(storm(7), None);
}

#[test]
fn errno_is_dropped() {
    let asked = |ret, found| {
        let mut request = request(1, "fs-xfs", 0, 5_000, ret);
        request.caller = Some(Caller {
            function: "get_fs_type",
            found,
            called_by: None,
            time: at(5_001),
        });
        one(Name::ErrnoDropped, &[], &[request])
    };
    assert_eq!(
        sentence(asked(-62, false)),
        "get_fs_type asked for fs-xfs once, got ETIME 1, and returned NULL: whatever errno its caller reports is not that"
    );
    assert!(sentence(asked(256, false)).contains("got exit 1 1,"));
    // Somebody else registered it meanwhile; it is no file system; nobody saw the caller.
    assert_eq!(asked(-62, true), None);
    assert_eq!(asked(0, false), None);
    assert_eq!(
        one(Name::ErrnoDropped, &[], &[request(1, "fs-xfs", 0, 5_000, -62)]),
        None
    );
}

#[test]
fn the_same_words_everywhere() {
    let killed = [follower(2, "m\u{1b}").got(Errno::EINTR)];
    let found = found(&killed, &[]);
    let words = "a signal ended 1 load of m? after waits of 70.0ms in all (modprobe 1)";
    let advice = Name::KilledBySignal.advice();
    let mut text = Vec::new();
    let written = write_findings(&found, &mut text);
    assert!(written.is_ok());
    assert_eq!(
        String::from_utf8_lossy(&text),
        format!("killed-by-signal: {words}\n  attempts 2\n  {advice}\n")
    );
    let lines: Vec<String> = found.iter().map(Finding::text).collect();
    assert_eq!(lines, [format!("killed-by-signal: {words} (attempts 2); {advice}")]);
    for name in Name::ALL {
        assert_eq!(serde_json::to_value(name).ok(), Some(name.name().into()));
    }
    let selection = |glob| Selection {
        modules: vec![Glob::new(glob)],
        ..Selection::default()
    };
    assert!(found[0].is_selected(&selection("m*")) && !found[0].is_selected(&selection("x")));
}

#[test]
fn memory_does_not_grow_with_attempts() {
    let mut findings = Findings::default();
    for id in 1..40_000 {
        // Owners that never come, and names that never repeat.
        let one = follower(id, &format!("m{}", id % 20_000)).waited(WaitKind::Mutex, Some(id + 1_000_000), 30, 90);
        findings.add(&Finished::Attempt(Box::new(one)));
    }
    let (sides, waiters) = findings.pairs.entries();
    assert!(sides <= 4_097 && waiters <= 2 * 4_097, "{sides} {waiters}");
    assert!(findings.tallies.iter().count() <= 8_192);
}
