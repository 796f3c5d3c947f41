//! A request step by step: who asked, the slot, the helper, its attempts, what came back, and what the caller made of it.

use super::Monitor;
use crate::model::{AttemptId, Helper, Ktime, Request, SLOTS, Zero, ret_text};
use crate::report::line::Line;
use crate::text::span_text;

/// A line for each step.
pub(super) fn steps(monitor: &Monitor, request: &Request) -> Vec<String> {
    let mut lines = vec![asked(request)];
    if let Some(refused) = request.refused {
        lines.push(format!("refused by the security module: {refused}"));
    }
    if let Some(slot) = request.slot {
        let long = span_text(slot.span.end.unwrap_or(monitor.reached()).since(slot.span.start).0);
        lines.push(match (slot.span.end, slot.errno) {
            (None, _) => format!(
                "waits {long} for one of {SLOTS} slots; {} held one when it began",
                slot.held
            ),
            (Some(_), Some(errno)) => format!("waited {long} for one of {SLOTS} slots and got none: {errno}"),
            (Some(_), None) => format!("waited {long} for one of {SLOTS} slots"),
        });
    }
    if let Some(duplicate) = request.duplicate {
        let long = span_text(duplicate.end.unwrap_or(monitor.reached()).since(duplicate.start).0);
        lines.push(format!("waited {long} for the same request of another task"));
    }
    if let Some(helper) = &request.helper {
        lines.push(helped(helper, monitor.reached()));
        lines.extend(helper.attempts.iter().map(|id| attempt(monitor, *id)));
    }
    if let Some(ret) = request.ret {
        lines.push(format!("came back: {}", ret_text(ret)));
    }
    if let Some(caller) = &request.caller {
        let by = caller
            .called_by
            .as_deref()
            .map_or_else(String::new, |by| format!(" [called by {by}]"));
        let made = if caller.found {
            "got what it asked for"
        } else {
            "returned NULL, and no errno"
        };
        lines.push(format!("{}{by} {made}", caller.function));
    }
    lines.extend(
        request
            .log
            .iter()
            .map(|line| format!("the kernel log says: {}", line.text)),
    );
    lines.extend(request.notes.iter().map(|note| format!("[{}]", note.text())));
    lines
}

fn asked(request: &Request) -> String {
    let comm = if request.comm.is_empty() { "-" } else { &request.comm };
    let site = request
        .call_site
        .as_deref()
        .map_or_else(String::new, |site| format!(" in {site}"));
    let work = request
        .work
        .as_deref()
        .map_or_else(String::new, |work| format!(", work {work}"));
    let parent = request.parent.as_ref();
    let parent = parent.map_or_else(String::new, |by| format!(", started by {} ({})", by.tgid.0, by.comm));
    let inside = request
        .inside
        .map_or_else(String::new, |id| format!(", inside attempt {}", id.0));
    format!(
        "request {} of {} by tid {} ({comm}){site}{work}{parent}{inside}",
        request.id.0, request.name, request.tid.0
    )
}

fn helped(helper: &Helper, now: Ktime) -> String {
    let steps = [
        ("queued", Some(helper.span.start), helper.taken_up),
        ("fork", helper.taken_up, helper.forked),
        ("exec", helper.forked, helper.runs),
        ("ran", helper.runs, helper.ended),
    ];
    let told: Vec<String> = steps
        .iter()
        .filter_map(|(what, from, to)| {
            let from = (*from)?;
            Some(match to {
                Some(to) => format!("{what} {}", span_text(to.since(from).0)),
                // What its end is not seen of may have ended long ago.
                None if helper.span.end.is_none() => format!("{what} {} so far", span_text(now.since(from).0)),
                None => format!("{what}: end not seen"),
            })
        })
        .collect();
    let tgid = helper
        .tgid
        .map_or_else(String::new, |tgid| format!(", tgid {}", tgid.0));
    format!("helper {}{tgid}: {}", helper.path, told.join(", "))
}

/// An attempt as a line, kept or in flight.
pub(super) fn attempt(monitor: &Monitor, id: AttemptId) -> String {
    if let Some(attempt) = monitor.history.attempt_of(id) {
        return format!(
            "attempt {}: {}",
            id.0,
            Line {
                attempt,
                zero: Zero::Boot
            }
            .to_string()
            .trim_start()
        );
    }
    let session = monitor.pipeline.session();
    match session.in_flight().find(|one| one.attempt.id == id) {
        Some(one) => format!(
            "attempt {}, in flight: {} by tid {}",
            id.0,
            one.attempt.module.as_deref().unwrap_or("(unknown)"),
            one.attempt.tid.0
        ),
        None => format!("attempt {}: in the sums only, too long ago to be kept", id.0),
    }
}
