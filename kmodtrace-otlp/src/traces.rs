//! Spans of a recording's loads, unloads and requests.

use std::mem;

use kmodtrace_core::model::{Collision, Syscall, WaitStatus, ret_text};
use kmodtrace_core::recording::BootMark;
use kmodtrace_core::report::{AttemptRow, KernelRow, LogRow, OriginRow, RecordingRow, RequestRow, WaitOfAttempt};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;

use crate::attributes::Attributes;
use crate::ids::{Ids, Of, PLACES};
use crate::resource::{resource, scope};

/// Spans that are sent together: some 200 KB.
const BATCH: usize = 512;

/// The trace of a recording, in pieces that are sent one after the other.
#[derive(Debug)]
pub struct Traces {
    kernel: KernelRow,
    recording: RecordingRow,
    ids: Ids,
    end_ns: u64,
    spans: Vec<Span>,
    made: u64,
    left_out: u64,
}

impl Traces {
    /// A trace with the span of the recording itself, which ended at that time of `CLOCK_MONOTONIC`, in nanoseconds. What had not returned
    /// by then ends there, and says so.
    pub fn new(kernel: &KernelRow, recording: &RecordingRow, end_ns: u64) -> Self {
        let mut traces = Self {
            kernel: kernel.clone(),
            recording: recording.clone(),
            ids: Ids::new(recording),
            end_ns: end_ns.max(recording.began_ns),
            spans: Vec::new(),
            made: 0,
            left_out: 0,
        };
        let marks = recording.marks().iter().map(|BootMark { milestone, time_ns }| Event {
            time_unix_nano: traces.unix(time_ns.0),
            name: milestone.name().to_owned(),
            ..Event::default()
        });
        let command = recording.command.as_ref().map(|command| command.join(" "));
        let span = Span {
            name: if recording.marks().is_empty() {
                "recording"
            } else {
                "boot"
            }
            .to_owned(),
            events: marks.collect(),
            attributes: Attributes::default()
                .text("process.command_line", command)
                .number("process.exit.code", recording.command_status.map(WaitStatus::shell))
                .into(),
            ..traces.span(Of::Recording, None, recording.began_ns, Some(traces.end_ns))
        };
        traces.put(span);
        traces
    }

    /// Adds a load or an unload.
    pub fn attempt(&mut self, row: &AttemptRow) {
        let Some(start_ns) = row.start_ns else {
            // It has no place in time.
            self.left_out += 1;
            return;
        };
        let this = Of::Attempt(row.id);
        let what = if row.syscall == Some(Syscall::DeleteModule) {
            "unload"
        } else {
            "load"
        };
        let parent = row.request.map_or(Of::Recording, Of::Helper);
        let span = Span {
            name: row
                .module
                .as_ref()
                .map_or_else(|| what.to_owned(), |module| format!("{what} {module}")),
            attributes: of_attempt(row).into(),
            links: row.waits.iter().filter_map(|wait| self.link(wait)).collect(),
            events: self.events(&row.log),
            status: failed(
                row.errno.is_some_and(|errno| errno != 0),
                row.origin.as_ref(),
                row.errno_name.as_deref(),
            ),
            ..self.span(this, Some(parent), start_ns, row.end_ns)
        };
        self.put(span);
        for (stage, place) in row.stages.iter().zip(0..PLACES) {
            let end = stage.start_ns.saturating_add(stage.duration_ns);
            let span = Span {
                name: stage.name.clone(),
                attributes: Attributes::default()
                    .text("kmodtrace.stage", Some(stage.stage.name()))
                    .into(),
                ..self.span(Of::Stage(row.id, place), Some(this), stage.start_ns, Some(end))
            };
            self.put(span);
        }
        for (wait, place) in row.waits.iter().zip(0..PLACES) {
            let end = wait.duration_ns.map(|duration| wait.start_ns.saturating_add(duration));
            let span = Span {
                name: format!("wait {}", wait.kind.name()),
                attributes: of_wait(wait).into(),
                links: self.link(wait).into_iter().collect(),
                ..self.span(Of::Wait(row.id, place), Some(this), wait.start_ns, end)
            };
            self.put(span);
        }
        let places = usize::try_from(PLACES).unwrap_or(usize::MAX);
        let beyond = row.stages.len().saturating_sub(places) + row.waits.len().saturating_sub(places);
        self.left_out += beyond as u64;
    }

    /// Adds a request, and its helper.
    pub fn request(&mut self, row: &RequestRow) {
        let Some(start_ns) = row.start_ns else {
            self.left_out += 1;
            return;
        };
        let this = Of::Request(row.id);
        let found = row.caller.as_ref().map(|caller| caller.found);
        let has_failed = row.ret.is_some_and(|ret| ret != 0) || found == Some(false);
        let span = Span {
            name: format!("request {}", row.name),
            attributes: Attributes::default()
                .text("kmodtrace.request.name", Some(&row.name))
                .text("kmodtrace.request.outcome", row.outcome.as_ref())
                .text("kmodtrace.request.call_site", row.call_site.as_ref())
                .text("kmodtrace.request.work", row.work.as_ref())
                .flag("kmodtrace.request.found", found)
                .number(
                    "kmodtrace.request.slot_ns",
                    row.slot.as_ref().and_then(|slot| slot.duration_ns),
                )
                .number("process.pid", Some(row.tgid))
                .number("thread.id", Some(row.tid))
                .text("thread.name", Some(&row.comm).filter(|comm| !comm.is_empty()))
                .flag("kmodtrace.unfinished", row.end_ns.is_none().then_some(true))
                .into(),
            events: self.events(&row.log),
            status: failed(has_failed, row.origin.as_ref(), row.outcome.as_deref()),
            ..self.span(
                this,
                Some(row.inside.map_or(Of::Recording, Of::Attempt)),
                start_ns,
                row.end_ns,
            )
        };
        self.put(span);
        if let Some(helper) = &row.helper {
            let passed = [
                ("taken up", helper.taken_up_ns),
                ("forked", helper.forked_ns),
                ("runs", helper.runs_ns),
            ];
            let event = |(name, time): (&str, Option<u64>)| {
                Some(Event {
                    time_unix_nano: self.unix(time?),
                    name: name.to_owned(),
                    ..Event::default()
                })
            };
            let waited = helper
                .duration_ns
                .map(|duration| helper.start_ns.saturating_add(duration));
            let span = Span {
                name: "helper".to_owned(),
                attributes: Attributes::default()
                    .text("process.executable.path", Some(&helper.path))
                    .number("process.pid", helper.tgid)
                    .text("kmodtrace.helper.status", helper.status.map(ret_text))
                    .into(),
                events: passed.into_iter().filter_map(event).collect(),
                ..self.span(
                    Of::Helper(row.id),
                    Some(this),
                    helper.start_ns,
                    helper.ended_ns.or(waited),
                )
            };
            self.put(span);
        }
    }

    /// A piece to be sent, as the body of a request to `/v1/traces`: where there is enough for one, or something where this is the `last`.
    pub fn take(&mut self, last: bool) -> Option<Vec<u8>> {
        let enough = if last { 1 } else { BATCH };
        if self.spans.len() < enough {
            return None;
        }
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource(&self.kernel, &self.recording)),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope(&self.recording)),
                    spans: mem::take(&mut self.spans),
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        };
        Some(request.encode_to_vec())
    }

    /// Spans that were made.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// Loads, unloads and requests without a span because their beginning was not seen, and pieces of such that have too many.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    fn put(&mut self, span: Span) {
        self.made += 1;
        self.spans.push(span);
    }

    fn span(&self, of: Of, parent: Option<Of>, start_ns: u64, end_ns: Option<u64>) -> Span {
        let end_ns = end_ns.unwrap_or(self.end_ns).max(start_ns);
        Span {
            trace_id: self.ids.trace(),
            span_id: self.ids.span(of),
            parent_span_id: parent.map(|parent| self.ids.span(parent)).unwrap_or_default(),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: self.unix(start_ns),
            end_time_unix_nano: self.unix(end_ns),
            ..Span::default()
        }
    }

    /// To whom a wait was for, where that was seen.
    fn link(&self, wait: &WaitOfAttempt) -> Option<Link> {
        Some(Link {
            trace_id: self.ids.trace(),
            span_id: self.ids.span(Of::Attempt(wait.on_id?)),
            attributes: of_wait(wait).into(),
            ..Link::default()
        })
    }

    /// Lines of the kernel log.
    fn events(&self, log: &[LogRow]) -> Vec<Event> {
        let event = |line: &LogRow| Event {
            time_unix_nano: self.unix(line.time_ns),
            name: "kernel log".to_owned(),
            attributes: Attributes::default().text("kmodtrace.log", Some(&line.text)).into(),
            ..Event::default()
        };
        log.iter().map(event).collect()
    }

    /// A time of `CLOCK_MONOTONIC` on the calendar, by the clocks at the beginning.
    fn unix(&self, time_ns: u64) -> u64 {
        let (began, began_unix) = (self.recording.began_ns, self.recording.began_unix_ns);
        let (later, earlier) = (time_ns.saturating_sub(began), began.saturating_sub(time_ns));
        began_unix.saturating_add(later).saturating_sub(earlier)
    }
}

fn of_attempt(row: &AttemptRow) -> Attributes {
    let origin = row.origin.as_ref();
    Attributes::default()
        .text("kmodtrace.module", row.module.as_ref())
        .text("kmodtrace.errno", row.errno_name.as_ref())
        .text(
            "kmodtrace.role",
            row.role.map(|role| format!("{role:?}").to_lowercase()),
        )
        .text("kmodtrace.collided_with", row.collided_with.map(Collision::name))
        .text("kmodtrace.origin.function", origin.map(|origin| &origin.function))
        .text(
            "kmodtrace.origin.causes",
            origin
                .map(|origin| origin.causes.join(","))
                .filter(|causes| !causes.is_empty()),
        )
        .text("kmodtrace.path", row.path.as_ref())
        .number("kmodtrace.bytes", row.bytes)
        .number("kmodtrace.init_ns", row.init_ns)
        .number("process.pid", Some(row.tgid))
        .number("process.parent_pid", row.parent_tgid)
        .number("thread.id", Some(row.tid))
        .text("thread.name", Some(&row.comm).filter(|comm| !comm.is_empty()))
        .flag("kmodtrace.unfinished", row.end_ns.is_none().then_some(true))
}

fn of_wait(wait: &WaitOfAttempt) -> Attributes {
    Attributes::default()
        .text("kmodtrace.wait.kind", Some(wait.kind.name()))
        .text("kmodtrace.wait.module", wait.module.as_ref())
        .number("kmodtrace.wait.duration_ns", wait.duration_ns)
        .number("kmodtrace.wait.on_tid", wait.on_tid)
        .text("kmodtrace.wait.on_comm", wait.on_comm.as_ref())
}

/// An error, and where it was made; nothing where it is none: that a call succeeded is no verdict of a developer's, which OK would be.
fn failed(failed: bool, origin: Option<&OriginRow>, outcome: Option<&str>) -> Option<Status> {
    let outcome = outcome.unwrap_or("failed");
    let message = origin.map_or_else(
        || outcome.to_owned(),
        |origin| format!("{outcome} from {}", origin.function),
    );
    failed.then_some(Status {
        message,
        code: StatusCode::Error.into(),
    })
}
