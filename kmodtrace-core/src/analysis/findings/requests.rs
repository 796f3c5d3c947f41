//! What one request shows by itself.

use std::collections::BTreeMap;

use super::finding::Name;
use super::tally::{Sum, Tallies};
use crate::analysis::graph::ETIME;
use crate::model::{self, Errno, Request, Tgid, ret_text};

/// Requesters remembered: as many as there are slots, and those that wait for one.
const REQUESTERS: usize = 4_096;

/// Requests that a helper made before it ran its program, and how deep they go.
#[derive(Clone, Debug, Default)]
pub(super) struct Nested {
    /// By the thread group that asked: what for, and how many requests lie in one another below it.
    depth: BTreeMap<Tgid, (model::Name, u64)>,
}

impl Nested {
    /// Takes a request: those that it waits for have been taken before.
    pub(super) fn add(&mut self, request: &Request, tallies: &mut Tallies) {
        let helper = request.helper.as_ref();
        let below = helper.and_then(|helper| self.depth.remove(&helper.tgid?));
        let depth = below.as_ref().map_or(1, |(_, depth)| depth + 1);
        if let (Some((name, _)), Some(helper)) = (below, helper)
            && let Some(tally) = tallies.of(Name::HelperRecursion, Some(&name), &helper.path)
        {
            tally.most(Sum::Depth, depth);
            tally.requests.add(request.id.0);
        }
        self.depth.insert(request.tgid, (request.name.clone(), depth));
        if self.depth.len() > REQUESTERS {
            self.depth.pop_first();
        }
    }
}

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
