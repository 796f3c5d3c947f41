//! The commands, a file for each.

pub(crate) mod bisect;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod drill;
pub(crate) mod explain;
pub(crate) mod graph;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod schema;
mod tee;
pub(crate) mod trace;
pub(crate) mod view;
pub(crate) mod why;
pub(crate) mod workload;

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use anyhow::{Context as _, Result};
use kmodtrace_core::records::event::Counters;
use kmodtrace_core::records::order::Loss;

use tokio::runtime::Runtime;

use crate::live::attach::Tracer;
use crate::live::pump::{self, Ended, Sink, Until};

/// Traces until the command ends, the time is up or a signal comes, on the one thread that there is.
fn follow(tracer: Tracer, command: &[OsString], duration: Option<Duration>, sink: &mut impl Sink) -> Result<Ended> {
    follow_in(&runtime()?, tracer, command, duration, sink)
}

/// The same in an event loop that is there.
fn follow_in(
    runtime: &Runtime,
    tracer: Tracer,
    command: &[OsString],
    duration: Option<Duration>,
    sink: &mut impl Sink,
) -> Result<Ended> {
    runtime.block_on(async {
        let child = workload::start(command, None)?;
        pump::run(tracer, Until { child, duration }, sink).await
    })
}

/// An event loop on the one thread that there is.
pub(crate) fn runtime() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the event loop")
}

/// What came of writing to stdout.
fn written<T>(result: io::Result<T>) -> Result<T> {
    result.context("cannot write to stdout")
}

/// What is missing, as every front end says it at its end.
fn missing(loss: &Loss) -> String {
    let Counters {
        dropped: _,
        missed,
        clipped,
    } = loss.counters();
    format!("lost {}, missed {missed}, clipped {clipped}", loss.lost())
}
