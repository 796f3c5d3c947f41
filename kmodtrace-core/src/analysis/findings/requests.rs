//! What one request shows by itself.

use super::finding::Name;
use super::tally::{Sum, Tallies};
use crate::analysis::graph::ETIME;
use crate::model::{Errno, Request, ret_text};

/// Counts a request.
pub(super) fn request(request: &Request, tallies: &mut Tallies) {
    throttle(request, tallies);
    dropped(request, tallies);
    killed(request, tallies);
}

fn throttle(request: &Request, tallies: &mut Tallies) {
    let Some(slot) = request.slot.filter(|slot| slot.errno == Some(ETIME)) else {
        return;
    };
    if let Some(tally) = tallies.of(Name::ThrottleExhausted, None, "") {
        tally.add(Sum::Requests, 1);
        tally.add(Sum::Waited, slot.span.duration().unwrap_or_default().0);
        tally.by(&request.name);
        tally.requests.add(request.id.0);
    }
}

/// The request failed, and its caller said no more than that there is nothing.
fn dropped(request: &Request, tallies: &mut Tallies) {
    let Some(caller) = request.caller.as_ref().filter(|caller| !caller.found) else {
        return;
    };
    let Some(ret) = request.ret.filter(|_| request.failed()) else {
        return;
    };
    if let Some(tally) = tallies.of(Name::ErrnoDropped, Some(&request.name), caller.function) {
        tally.add(Sum::Requests, 1);
        tally.by(&ret_text(ret));
        tally.requests.add(request.id.0);
    }
}

/// The requester was killed, or its helper was.
fn killed(request: &Request, tallies: &mut Tallies) {
    let Some(ret) = request.ret else { return };
    // A wait status: the low seven bits are the signal.
    let helper = ret > 0 && ret & 0x7f != 0;
    let requester = ret < 0 && matches!(Errno::from_ret(ret), Errno::EINTR | Errno::ERESTARTSYS);
    if !helper && !requester {
        return;
    }
    if let Some(tally) = tallies.of(Name::KilledBySignal, Some(&request.name), "request") {
        tally.add(if helper { Sum::Helpers } else { Sum::Requesters }, 1);
        tally.by(&request.comm);
        tally.requests.add(request.id.0);
    }
}
