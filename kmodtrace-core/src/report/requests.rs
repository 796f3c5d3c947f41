//! Requests: a row for each name, and a row for each of them.

use schemars::JsonSchema;
use serde::Serialize;

use super::origins::{LogRow, OriginRow, ParentRow};
use super::{Outcomes, Spread};
use crate::analysis::aggregate::RequestStats;
use crate::analysis::histogram::Histogram;
use crate::analysis::origin::Origin;
use crate::model::{Caller, Errno, Helper, Ktime, Note, Request, SlotWait, Span, ret_text};
use crate::plan::{Coverage, Observed};

/// The requests of one name. Times are null when nobody watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RequestedRow {
    /// What was requested; empty where the beginning was not seen.
    pub name: String,
    /// How often.
    pub count: u64,
    /// Those whose answer was seen: `OK`, an errno, `exit 1`, `killed by signal 9`.
    pub outcomes: Outcomes,
    /// Those whose answer was not seen.
    pub unfinished: u64,
    /// Waits for one of the slots, nanoseconds.
    pub slot_ns: Option<Spread>,
    /// Helpers until a kworker took them up, nanoseconds.
    pub queue_ns: Option<Spread>,
    /// Helpers until their task began.
    pub fork_ns: Option<Spread>,
    /// Helpers until they began to run their program.
    pub exec_ns: Option<Spread>,
    /// Helpers until they ended.
    pub run_ns: Option<Spread>,
    /// From beginning to answer, nanoseconds.
    pub total_ns: Spread,
}

impl RequestedRow {
    pub(super) fn new(name: &str, stats: &RequestStats, coverage: &Coverage) -> Self {
        let spread = |what, histogram: &Histogram| coverage.observed(what).then(|| Spread::new(histogram));
        Self {
            name: name.to_owned(),
            count: stats.count,
            outcomes: stats.outcomes.clone(),
            unfinished: stats.unfinished,
            slot_ns: spread(Observed::SlotWaits, &stats.slot),
            queue_ns: spread(Observed::Helpers, &stats.helper.queue),
            fork_ns: spread(Observed::Helpers, &stats.helper.fork),
            exec_ns: spread(Observed::Helpers, &stats.helper.exec),
            run_ns: spread(Observed::Helpers, &stats.helper.run),
            total_ns: Spread::new(&stats.total),
        }
    }
}

/// One request. Times are nanoseconds of `CLOCK_MONOTONIC`; null is what does not apply or was not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RequestRow {
    /// Its number, from 1; stable for one recording.
    pub id: u64,
    /// What is requested.
    pub name: String,
    /// The task that asks.
    pub tid: u32,
    /// Its thread group.
    pub tgid: u32,
    /// Its name; empty when the beginning was not seen.
    pub comm: String,
    /// Who started it.
    pub parent: Option<ParentRow>,
    /// Whether the task is a kernel thread.
    pub kernel_thread: Option<bool>,
    /// The work function of a kworker.
    pub work: Option<String>,
    /// The `id` of the attempt inside which it is made.
    pub inside: Option<u64>,
    /// The function that asked.
    pub call_site: Option<String>,
    /// The kernel stack, innermost first.
    pub stack: Vec<String>,
    /// Beginning.
    pub start_ns: Option<u64>,
    /// Answer.
    pub end_ns: Option<u64>,
    /// From one to the other.
    pub duration_ns: Option<u64>,
    /// The security module's refusal, as a positive error number.
    pub refused: Option<u32>,
    /// The wait for a slot.
    pub slot: Option<SlotRow>,
    /// When it had a slot.
    pub granted_ns: Option<u64>,
    /// The wait for the same request of another task.
    pub duplicate: Option<SpanRow>,
    /// Whether the requester waits for the helper.
    pub waits: Option<bool>,
    /// The helper that ran for it.
    pub helper: Option<HelperRow>,
    /// What came back: 0, -errno, or the wait status of the helper.
    pub ret: Option<i64>,
    /// The same in words: `OK`, an errno, `exit 1`, `killed by signal 9`.
    pub outcome: Option<String>,
    /// What the caller made of it.
    pub caller: Option<CallerRow>,
    /// Where a failure came from; null when it did not fail.
    pub origin: Option<OriginRow>,
    /// What the task wrote to the kernel log meanwhile.
    pub log: Vec<LogRow>,
    /// What is known to be missing.
    pub notes: Vec<Note>,
}

/// A span of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SpanRow {
    /// Since when.
    pub start_ns: u64,
    /// How long; null when its end was not seen.
    pub duration_ns: Option<u64>,
}

/// A wait for a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SlotRow {
    /// Since when.
    pub start_ns: u64,
    /// How long; null when its end was not seen.
    pub duration_ns: Option<u64>,
    /// Why it ended without a slot, as a positive error number.
    pub errno: Option<u32>,
    /// Requests that held a slot when it began, as far as they were seen.
    pub held: u32,
}

/// A user-mode helper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HelperRow {
    /// What was to run.
    pub path: String,
    /// Since when the requester waited for it.
    pub start_ns: u64,
    /// How long; null when its end was not seen.
    pub duration_ns: Option<u64>,
    /// When a kworker took it up.
    pub taken_up_ns: Option<u64>,
    /// When its task began.
    pub forked_ns: Option<u64>,
    /// When it began to run its program.
    pub runs_ns: Option<u64>,
    /// Its thread group.
    pub tgid: Option<u32>,
    /// Every program that it and what descends from it ran, in order.
    pub programs: Vec<String>,
    /// When it ended.
    pub ended_ns: Option<u64>,
    /// Its wait status.
    pub status: Option<i64>,
    /// The `id`s of the attempts that it made, in order of their beginning.
    pub attempts: Vec<u64>,
}

/// What a caller made of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallerRow {
    /// The function.
    pub function: String,
    /// Whether it gave what it was asked for; otherwise it returned NULL, and no errno.
    pub found: bool,
    /// Who called it.
    pub called_by: Option<String>,
    /// When it returned.
    pub time_ns: u64,
}

impl RequestRow {
    pub(super) fn new(request: &Request, origin: Option<&Origin>) -> Self {
        let span = |span: Span| SpanRow {
            start_ns: span.start.0,
            duration_ns: span.duration().map(|duration| duration.0),
        };
        let lasted = request.start.zip(request.end).map(|(start, end)| end.since(start).0);
        Self {
            id: request.id.0,
            name: request.name.clone().into(),
            tid: request.tid.0,
            tgid: request.tgid.0,
            comm: request.comm.clone().into(),
            parent: request.parent.as_ref().map(ParentRow::new),
            kernel_thread: request.kernel_thread,
            work: request.work.clone(),
            inside: request.inside.map(|inside| inside.0),
            call_site: request.call_site.clone(),
            stack: request.stack.clone(),
            start_ns: nanos(request.start),
            end_ns: nanos(request.end),
            duration_ns: lasted,
            refused: request.refused.map(|errno| errno.0),
            slot: request.slot.as_ref().map(SlotRow::new),
            granted_ns: nanos(request.granted),
            duplicate: request.duplicate.map(span),
            waits: request.waits,
            helper: request.helper.as_ref().map(HelperRow::new),
            ret: request.ret,
            outcome: request.ret.map(ret_text),
            caller: request.caller.as_ref().map(CallerRow::new),
            origin: origin.map(OriginRow::new),
            log: LogRow::all(&request.log),
            notes: request.notes.clone(),
        }
    }
}

fn nanos(time: Option<Ktime>) -> Option<u64> {
    time.map(|time| time.0)
}

impl SlotRow {
    fn new(slot: &SlotWait) -> Self {
        Self {
            start_ns: slot.span.start.0,
            duration_ns: slot.span.duration().map(|duration| duration.0),
            errno: slot.errno.map(|Errno(number)| number),
            held: slot.held,
        }
    }
}

impl HelperRow {
    fn new(helper: &Helper) -> Self {
        Self {
            path: helper.path.clone(),
            start_ns: helper.span.start.0,
            duration_ns: helper.span.duration().map(|duration| duration.0),
            taken_up_ns: nanos(helper.taken_up),
            forked_ns: nanos(helper.forked),
            runs_ns: nanos(helper.runs),
            tgid: helper.tgid.map(|tgid| tgid.0),
            programs: helper.programs.clone(),
            ended_ns: nanos(helper.ended),
            status: helper.status,
            attempts: helper.attempts.iter().map(|attempt| attempt.0).collect(),
        }
    }
}

impl CallerRow {
    fn new(caller: &Caller) -> Self {
        Self {
            function: caller.function.to_owned(),
            found: caller.found,
            called_by: caller.called_by.clone(),
            time_ns: caller.time.0,
        }
    }
}
