//! Requests of the kernel, in flight and answered.

use super::{Monitor, chain};
use crate::model::{Request, RequestId, SLOTS, Stage, ret_text};
use crate::plan::Observed;

/// Requests, and who holds the slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestsNow {
    /// Requests that hold one of the slots; none when nobody watched.
    pub slots_used: Option<usize>,
    /// How many there are.
    pub slots: usize,
    /// In flight, the oldest first, and behind them those that were answered, the latest first.
    pub rows: Vec<RequestNow>,
    /// The chain of the one that was asked for, a line for each step; empty when it is not kept.
    pub chain: Vec<String>,
}

/// A request. Times are nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestNow {
    /// Its number.
    pub id: u64,
    /// What is requested.
    pub name: String,
    /// The task that asks.
    pub tid: u32,
    /// Its name.
    pub comm: String,
    /// The function that asked, or the work function.
    pub by: Option<String>,
    /// Beginning; none when it was not seen.
    pub start_ns: Option<u64>,
    /// From the beginning to the answer, or until now.
    pub lasted_ns: Option<u64>,
    /// What it is about; none once it has its answer.
    pub stage: Option<Stage>,
    /// The wait for a slot, until now where it lasts.
    pub slot_ns: Option<u64>,
    /// Thread group of its modprobe.
    pub helper: Option<u32>,
    /// Attempts that this one made.
    pub attempts: usize,
    /// What came back, in words.
    pub outcome: Option<String>,
    /// Whether that is a failure.
    pub failed: bool,
}

/// All that are in flight or kept.
pub(super) fn now(monitor: &Monitor, chain: Option<u64>) -> Option<RequestsNow> {
    let coverage = &monitor.source.coverage;
    if !coverage.observed(Observed::Requests) {
        return None;
    }
    let reached = monitor.reached();
    let mut open: Vec<&Request> = monitor.pipeline.session().requests_in_flight().collect();
    open.sort_by_key(|request| (request.start, request.id));
    let used = open.iter().filter(|request| request.holds_slot(reached)).count();
    let asked = chain.and_then(|id| monitor.request_of(RequestId(id)));
    let done = monitor.history.requests().rev();
    Some(RequestsNow {
        slots_used: coverage.observed(Observed::SlotWaits).then_some(used),
        slots: SLOTS,
        chain: asked.map_or_else(Vec::new, |request| chain::steps(monitor, request)),
        rows: open
            .into_iter()
            .chain(done)
            .map(|request| row(monitor, request))
            .collect(),
    })
}

fn row(monitor: &Monitor, request: &Request) -> RequestNow {
    let until = request.end.unwrap_or(monitor.reached());
    RequestNow {
        id: request.id.0,
        name: request.name.clone().into(),
        tid: request.tid.0,
        comm: request.comm.clone().into(),
        by: request.work.clone().or_else(|| request.call_site.clone()),
        start_ns: request.start.map(|start| start.0),
        lasted_ns: request.start.map(|start| until.since(start).0),
        stage: request.end.is_none().then(|| stage(request)),
        slot_ns: request
            .slot
            .map(|slot| slot.span.end.unwrap_or(until).since(slot.span.start).0),
        helper: request
            .helper
            .as_ref()
            .and_then(|helper| helper.tgid)
            .map(|tgid| tgid.0),
        attempts: request.helper.as_ref().map_or(0, |helper| helper.attempts.len()),
        outcome: request.ret.map(ret_text),
        failed: request.failed(),
    }
}

fn stage(request: &Request) -> Stage {
    let waits = request.slot.is_some_and(|slot| slot.span.end.is_none());
    match (&request.helper, request.granted) {
        (Some(_), _) | (None, Some(_)) => Stage::Helper,
        (None, None) if waits => Stage::Slot,
        (None, None) => Stage::Security,
    }
}
