//! Findings of single loads.

use super::{follower, one, sentence};
use crate::analysis::findings::Name;
use crate::analysis::graph::fixture::attempt;
use crate::model::{Attempt, Collision, Errno, FileId, Inode, Ktime, Parent, Role, Signal, Tgid, WaitKind};

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
fn a_load_goes_on_after_sigkill() {
    let killed = |at: u64, number| {
        let mut load = attempt(1, "xfs", 0, 100);
        load.signals.push(Signal {
            time: Ktime(at * 1_000_000),
            number,
            sender: Parent {
                tgid: Tgid(300),
                comm: "systemd-udevd".into(),
            },
        });
        one(Name::KilledButLoading, &[load], &[])
    };
    assert_eq!(
        sentence(killed(40, Signal::KILL)),
        "1 load of xfs went on after SIGKILL to the task, for 60.0ms in all (systemd-udevd 1)"
    );
    assert_eq!(killed(95, Signal::KILL), None, "it takes a while to notice");
    assert_eq!(killed(40, 15), None, "it may be ignored");
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
        "the init function of dm_x returned EEXIST once, and the caller (modprobe 1) got it: modprobe and udev take it for success, \
         insmod does not"
    );
    // 7.x makes it EBUSY, which modprobe tells.
    assert_eq!(init(Errno::EEXIST, Errno::EBUSY), None);
    assert_eq!(one(Name::ExistHidden, &[follower(2, "dm_x")], &[]), None);
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
fn one_name_from_two_files() {
    let from = |id, name: &str, inode| {
        let mut load = attempt(id, "m", id * 10, id * 10 + 5);
        load.file = Some(FileId {
            inode: Some(Inode(inode)),
            dev: 1,
            name: name.into(),
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
