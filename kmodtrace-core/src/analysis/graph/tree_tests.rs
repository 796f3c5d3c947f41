//! Who waits for whom while it lasts.

use super::Tree;
use super::fixture::{at, attempt, nested, request};
use super::watch_tests::{in_flight, open};
use crate::model::{Attempt, Errno, Request, WaitKind};

/// Each row as text: two blanks for each level, `@` for those in a cycle, `^` for those that stand further up.
fn tree(ms: u64, attempts: &[Attempt], requests: &[Request]) -> (Vec<String>, Tree) {
    let tree = Tree::new(at(ms), in_flight(attempts).into_iter(), requests.iter());
    let row = |row: &super::TreeRow| {
        let tid = row.task.as_ref().map_or_else(String::new, |(tid, _)| format!(" {tid}"));
        let waits = row.waits.map_or_else(String::new, |(kind, long)| {
            format!(" {} {}", kind.name(), long / 1_000_000)
        });
        let (cycle, again) = (if row.in_cycle { "@" } else { "" }, if row.again { "^" } else { "" });
        format!("{}{cycle}{}{tid}{waits}{again}", "  ".repeat(row.more.len()), row.name)
    };
    (tree.rows.iter().map(row).collect(), tree)
}

#[test]
fn waiters_are_below_the_one_they_wait_for() {
    let waits = |id, kind, on, since| open(attempt(id, "xfs", 5, 0).waited(kind, Some(on), since, 0));
    let attempts = [
        open(attempt(1, "xfs", 1, 0)),
        waits(2, WaitKind::SameName, 1, 10),
        waits(3, WaitKind::SameInode, 2, 20),
        waits(4, WaitKind::SameName, 1, 30),
        open(attempt(5, "dm", 1, 0)),
        open(attempt(6, "nfs", 1, 0).waited(WaitKind::Async, None, 40, 0)),
        // Its owner has returned.
        waits(7, WaitKind::SameName, 99, 50),
    ];
    let (rows, tree) = tree(100, &attempts, &[]);
    assert_eq!(
        rows,
        [
            "asynchronous work",
            "  nfs 1006 async 60",
            "tid 1099 (modprobe)",
            "  xfs 1007 same-name 50",
            "xfs 1001",
            "  xfs 1002 same-name 90",
            "    xfs 1003 same-inode 80",
            "  xfs 1004 same-name 70",
        ]
    );
    assert_eq!((tree.alone, tree.deadlocks.len()), (1, 0));
    assert_eq!(tree.rows[5].more, [true]);
    assert_eq!(tree.rows[7].more, [false]);
}

#[test]
fn a_cycle_of_two_is_shown_once_and_marked() {
    let attempts = [
        open(attempt(1, "a", 1, 0).waited(WaitKind::Dependency, Some(2), 10, 0)),
        open(attempt(2, "b", 1, 0).waited(WaitKind::Dependency, Some(1), 20, 0)),
    ];
    let (rows, tree) = tree(100, &attempts, &[]);
    assert_eq!(
        rows,
        [
            "@a 1001 dependency 90",
            "  @b 1002 dependency 80",
            "    @a 1001 dependency 90^"
        ]
    );
    assert_eq!(tree.deadlocks.len(), 1);
}

#[test]
fn fifty_requests_and_one_wait_for_each_other_and_forty_nine_do_not() {
    let at_once = |count| {
        let (attempts, requests) = nested(count);
        let attempts: Vec<Attempt> = attempts.into_iter().map(open).collect();
        let requests: Vec<Request> = requests.into_iter().map(Request::lasting).collect();
        tree(4_000, &attempts, &requests)
    };
    let (rows, fifty) = at_once(50);
    assert_eq!(fifty.deadlocks.len(), 1);
    assert_eq!(rows.first().map(String::as_str), Some("50 slots"));
    // The slots, then all fifty requests, their attempts and the one that has no slot.
    assert_eq!(
        rows.iter().filter(|row| row.contains('@')).count(),
        101 + rows.iter().filter(|row| row.contains('^')).count()
    );
    assert!(at_once(49).1.deadlocks.is_empty());
}

#[test]
fn a_request_waits_for_what_its_helper_does() {
    let attempts = [open(attempt(1, "xfs", 20, 0).by(1))];
    let (rows, _) = tree(100, &attempts, &[request(1, "fs-xfs", 10, 0, 0).helped(&[1]).lasting()]);
    assert_eq!(rows, ["xfs 1001", "  fs-xfs 5001 helper 90"]);
    let slot = request(2, "fs-ext4", 30, 0, 0).without_slot(Errno(62), 50).lasting();
    assert_eq!(tree(100, &[], &[slot]).0, ["50 slots", "  fs-ext4 5002 slot 70"]);
}
