//! Where the answer of `__request_module` comes from.

use super::{From, KnownAttempt, Origin, confirm};
use crate::analysis::causes::{self, Cause, Status, image, request};
use crate::model::{AttemptId, Errno, Request, Stage};

const ENOENT: Errno = Errno(2);
const ENOMEM: Errno = Errno(12);
const EINVAL: Errno = Errno(22);
const ENAMETOOLONG: Errno = Errno(36);
const ETIME: Errno = Errno(62);

/// The origin of a request's failure; none when it did not fail. One that succeeded and whose caller did not find what it
/// asked for failed too. `known` tells of the attempts that its helper made.
///
/// The errno is 0 where modprobe ran: its wait status is no errno.
pub fn of_request(request: &Request, known: impl Fn(AttemptId) -> Option<KnownAttempt>) -> Option<Origin> {
    if request.got_nothing() {
        let causes = vec![&request::NOTHING_LOADED];
        return Some(Origin::exact(Errno::OK, "modprobe", causes, Stage::Helper));
    }
    let ret = request.ret.filter(|ret| *ret != 0)?;
    let mut origin = match Status::from_wait(ret).filter(|_| ret > 0) {
        Some(status) => helper(request, status, known),
        None if ret > 0 => return None,
        None => refused(request, Errno::from_ret(ret)),
    };
    confirm(&mut origin, request.log.iter().map(|line| line.text.as_str()));
    Some(origin)
}

/// It never came to a modprobe, or the requester did not wait for its end.
fn refused(request: &Request, errno: Errno) -> Origin {
    let helper = "call_usermodehelper_exec";
    if request.refused.is_some() {
        let causes = vec![&request::SECURITY_REFUSED];
        return Origin::exact(errno, "security_kernel_module_request", causes, Stage::Security);
    }
    // 6.4 and later: it has a slot as soon as there is no error, and the tracepoint may not be watched.
    let slotless = request.granted.is_none() && request.helper.is_none();
    let (function, stage, causes): (&str, Stage, &[&Cause]) = match errno {
        ENAMETOOLONG => ("__request_module", Stage::Entry, &[&request::NAME_TOO_LONG]),
        ETIME => ("__request_module", Stage::Slot, &[&request::NO_SLOT]),
        Errno::ERESTARTSYS if slotless => ("__request_module", Stage::Slot, &[&request::SLOT_KILLED]),
        Errno::ERESTARTSYS => (helper, Stage::Helper, &[&request::REQUEST_KILLED]),
        ENOENT if request.helper.is_none() => ("__request_module", Stage::Helper, &[&request::NO_MODPROBE]),
        ENOENT => (helper, Stage::Helper, &[&request::NO_MODPROBE]),
        Errno::EBUSY => (helper, Stage::Helper, &[&request::HELPER_DISABLED]),
        EINVAL => (helper, Stage::Helper, &[&request::OUTSIDE]),
        ENOMEM => (helper, Stage::Helper, &[&image::MEMORY]),
        _ => (helper, Stage::Helper, &[&request::HELPER_NOT_STARTED]),
    };
    let mut origin = Origin::exact(errno, function, causes.to_vec(), stage);
    origin.stage = stage;
    origin
}

/// A modprobe ran, or should have.
fn helper(request: &Request, status: Status, known: impl Fn(AttemptId) -> Option<KnownAttempt>) -> Origin {
    let causes: Vec<&'static Cause> = causes::all().filter(|cause| cause.status == Some(status)).collect();
    let mut origin = Origin::exact(Errno::OK, "modprobe", causes, Stage::Helper);
    if status != Status::Exit {
        return origin;
    }
    // kmod takes EEXIST for success, so it goes on after it, and stops at the first other failure.
    let failed = request.helper.iter().flat_map(|helper| &helper.attempts).rev();
    origin.from = failed
        .filter_map(|id| known(*id))
        .find(|known| {
            known
                .errno
                .is_some_and(|errno| !matches!(errno, Errno::OK | Errno::EEXIST))
        })
        .map(|known| From {
            task: known.task,
            errno: known.errno,
        });
    origin
}
