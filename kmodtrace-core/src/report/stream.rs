//! What a session hands out, for programs: an object a line as it comes, with the rows of a report.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::{AttemptRow, KernelRow, RecordingRow, RequestRow, Source};
use crate::analysis::findings::Finding;
use crate::analysis::graph::Lasting;
use crate::analysis::origin;
use crate::model::{Finished, GoingCause, ModuleState, Refused, StateSpan};
use crate::plan::Coverage;
use crate::records::order::Loss;
use crate::text::write_json_line;

/// Name and version of these lines.
pub const STREAM_SCHEMA: &str = "kmodtrace.trace/1";

/// A line, told by its `type`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum StreamLine {
    /// The first one.
    Header {
        /// Name and version of these lines.
        schema: &'static str,
        /// The traced kernel.
        kernel: KernelRow,
        /// How it is recorded.
        recording: Option<Box<RecordingRow>>,
    },
    /// A load.
    Attempt(Box<AttemptRow>),
    /// An unload.
    Unload(Box<AttemptRow>),
    /// A request.
    Request(Box<RequestRow>),
    /// A state that a module was in.
    State(StateRow),
    /// Something that has been in flight for long.
    Lasting(LastingRow),
    /// What was found in all of it.
    Finding(Finding),
    /// The last one: what is missing.
    Loss {
        /// Records lost between the kernel and here.
        lost: u64,
        /// Probe hits that the kernel skipped.
        missed: u64,
        /// Attempts whose inner records are missing because a map was full.
        clipped: u64,
        /// Calls that lacked the capability, and were only counted, by user and program; absent when there are none.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        refused: Vec<Refused>,
    },
}

/// A span in which a module was in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StateRow {
    /// The module.
    pub module: String,
    /// The state. UNFORMED is both before COMING and after GOING.
    pub state: ModuleState,
    /// Since when, nanoseconds of `CLOCK_MONOTONIC`.
    pub start_ns: u64,
    /// How long; null when it lasted at the end.
    pub duration_ns: Option<u64>,
    /// Why it became GOING; null for other states.
    pub cause: Option<GoingCause>,
}

/// A wait or a deadlock that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LastingRow {
    /// When that was decided, nanoseconds of `CLOCK_MONOTONIC`.
    pub time_ns: u64,
    /// The tasks that wait for the same thing; empty for a deadlock.
    pub tids: Vec<u32>,
    /// In words.
    pub text: String,
}

impl StreamLine {
    /// The first line.
    pub fn header(source: &Source) -> Self {
        Self::Header {
            schema: STREAM_SCHEMA,
            kernel: source.kernel.clone(),
            recording: source.recording.clone().map(Box::new),
        }
    }

    /// The line of what a session handed out; none for calls outside of loads.
    pub fn of(finished: &Finished, coverage: &Coverage) -> Option<Self> {
        match finished {
            Finished::Attempt(attempt) => {
                // Other attempts may be over long since, or last.
                let origin = origin::of(attempt, coverage, |_| None);
                let row = Box::new(AttemptRow::new(attempt, origin.as_ref()));
                Some(if attempt.is_unload() {
                    Self::Unload(row)
                } else {
                    Self::Attempt(row)
                })
            }
            Finished::Request(request) => {
                let origin = origin::of_request(request, |_| None);
                Some(Self::Request(Box::new(RequestRow::new(request, origin.as_ref()))))
            }
            Finished::State(state) => Some(Self::State(StateRow::new(state))),
            Finished::Call(_) => None,
        }
    }

    /// The line of what lasts.
    pub fn lasting(lasting: &Lasting) -> Self {
        Self::Lasting(LastingRow {
            time_ns: lasting.time.0,
            tids: lasting.tasks.iter().map(|(tid, _)| tid.0).collect(),
            text: lasting.text.clone(),
        })
    }

    /// The last line.
    pub fn loss(loss: &Loss) -> Self {
        let counters = loss.counters();
        Self::Loss {
            lost: loss.lost(),
            missed: counters.missed,
            clipped: counters.clipped,
            refused: loss.refused(),
        }
    }

    /// Writes it.
    pub fn write(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        write_json_line(self, out)
    }
}

impl StateRow {
    pub(super) fn new(state: &StateSpan) -> Self {
        Self {
            module: state.module.clone().into(),
            state: state.state,
            start_ns: state.span.start.0,
            duration_ns: state.span.duration().map(|duration| duration.0),
            cause: state.cause,
        }
    }
}
