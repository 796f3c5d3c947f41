//! Findings of requests; of a signal also those of loads.

use super::{follower, one, sentence};
use crate::analysis::findings::Name;
use crate::analysis::graph::fixture::{at, attempt, request};
use crate::model::{Caller, Errno};

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
fn errno_is_dropped() {
    let caller = |found| Caller {
        function: "get_fs_type",
        found,
        called_by: None,
        time: at(5_001),
    };
    let asked = |ret, found| {
        let mut request = request(1, "fs-xfs", 0, 5_000, ret);
        request.caller = Some(caller(found));
        one(Name::ErrnoDropped, &[], &[request])
    };
    assert_eq!(
        sentence(asked(-62, false)),
        "get_fs_type asked for fs-xfs once, got ETIME, and returned NULL: whatever errno its caller reports is not that"
    );
    assert!(sentence(asked(256, false)).contains("got exit 1,"));
    let mut both = [
        request(1, "fs-xfs", 0, 5_000, -62),
        request(2, "fs-xfs", 0, 10, 256),
        request(3, "fs-xfs", 0, 10, 256),
    ];
    for request in &mut both {
        request.caller = Some(caller(false));
    }
    assert!(
        sentence(one(Name::ErrnoDropped, &[], &both))
            .contains("asked for fs-xfs 3 times, got 2 x exit 1, 1 x ETIME, and")
    );
    // Somebody else registered it meanwhile; it is no file system; nobody saw the caller.
    assert_eq!(asked(-62, true), None);
    assert_eq!(asked(0, false), None);
    assert_eq!(
        one(Name::ErrnoDropped, &[], &[request(1, "fs-xfs", 0, 5_000, -62)]),
        None
    );
}
