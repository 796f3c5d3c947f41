//! One line for each request as it has its answer.

use std::fmt;

use super::line::Cells;
use crate::analysis::origin;
use crate::model::{Nanos, Request, Zero, ret_text};
use crate::text::span_text;

/// A request as a line, in the columns of attempts.
#[derive(Clone, Copy, Debug)]
pub struct RequestLine<'a> {
    /// The request.
    pub request: &'a Request,
    /// What its time is counted from.
    pub zero: Zero,
}

impl fmt::Display for RequestLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = self.request;
        let cells = Cells {
            time: request.end.or(request.start),
            tid: request.tid,
            comm: &request.comm,
            call: "request",
            name: Some(request.name.as_str()).filter(|name| !name.is_empty()),
            result: request.ret.map(ret_text),
            took: request.start.zip(request.end).map(|(start, end)| end.since(start)),
            what: what(request),
        };
        cells.write(self.zero, f)
    }
}

/// What it waited for, what its caller made of the answer, where a failure came from, what is missing.
pub(crate) fn what(request: &Request) -> String {
    let mut parts = Vec::new();
    let long = |span: Option<Nanos>| span.map_or_else(String::new, |long| format!(" {}", span_text(long.0)));
    if let Some(slot) = &request.slot {
        parts.push(format!("waited{} for a slot", long(slot.span.duration())));
    }
    if let Some(span) = request.duplicate {
        parts.push(format!("waited{} for the same request", long(span.duration())));
    }
    if let Some(helper) = &request.helper {
        let program = helper.path.rsplit('/').next().unwrap_or_default();
        parts.push(format!("{program}{}", long(helper.span.duration())));
    }
    if let Some(caller) = request.caller.as_ref().filter(|caller| !caller.found) {
        parts.push(format!("{} found nothing", caller.function));
    }
    // A line names the likeliest function, and does not say how sure that is.
    if let Some(origin) = origin::of_request(request, |_| None) {
        parts.push(origin.words());
    }
    parts.extend(request.notes.iter().map(|note| format!("[{}]", note.text())));
    parts.join(", ")
}
