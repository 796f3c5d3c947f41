//! `kmodtrace export otlp`: recordings for a collector of OpenTelemetry.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::model::Zero;
use kmodtrace_core::report::{Rows, Selection};
use kmodtrace_otlp::{Endpoint, Traces, metrics};

use crate::cli::ExportOtlp;
use crate::command::gathered::{Parts, gather};
use crate::failure::{FAILED, failure, say};
use crate::metered;
use crate::replay;

/// Sends the recordings, one after the other. One that cannot be read is told, and the others are sent; where nobody takes them that is the end.
pub(super) fn run(args: &ExportOtlp, quiet: bool) -> Result<ExitCode> {
    let mut status = ExitCode::SUCCESS;
    for path in &args.files {
        match one(path, args, quiet)? {
            Ok(summary) if !quiet => say(format_args!("{}: {summary}", path.display())),
            Ok(_) => {}
            Err(error) => {
                say(format_args!("{error:#}"));
                status = ExitCode::from(FAILED);
            }
        }
    }
    Ok(status)
}

/// Sends what is whole of a recording, and says what was sent. An error within is one of reading it, any other is one of the way.
fn one(path: &Path, args: &ExportOtlp, quiet: bool) -> Result<Result<String>> {
    let mut recording = match replay::open_again(path) {
        Ok(recording) => recording,
        Err(error) => return Ok(Err(error)),
    };
    let parts = Parts {
        attempts: true,
        answer: true,
    };
    let gathered = gather(
        &mut recording,
        &Selection::default(),
        Zero::Boot,
        parts,
        |recording, take| recording.finished(quiet, take),
    );
    let report = gathered.report;
    let source = report.recording.clone().unwrap_or_default();
    let lasted = report.account.as_ref().map_or(0, |account| account.lasted_ns);
    let mut traces = Traces::new(&report.kernel, &source, source.began_ns.saturating_add(lasted));
    let mut refused = 0;
    for row in report.attempts.iter().chain(&report.unloads).flat_map(Rows::iter) {
        traces.attempt(&row);
        refused += send(&args.endpoint, &mut traces, false)?;
    }
    for row in report.requests.iter().flat_map(Rows::iter) {
        traces.request(&row);
        refused += send(&args.endpoint, &mut traces, false)?;
    }
    refused += send(&args.endpoint, &mut traces, true)?;
    let meter = metered::again(&recording, args.names.modules);
    let now = source.began_unix_ns.saturating_add(lasted);
    let body = metrics(&meter, &report.kernel, &source, now);
    refused += args
        .endpoint
        .metrics(&body)
        .map_err(|error| failure(FAILED, error.to_string()))?;
    recording.warn(quiet);
    let counts = [
        (traces.made(), "spans sent"),
        (traces.left_out(), "left out, as their beginning was not seen"),
        (refused, "refused by the collector"),
    ];
    let said = counts.iter().filter(|(count, _)| *count > 0);
    let said: Vec<String> = said.map(|(count, what)| format!("{count} {what}")).collect();
    Ok(gathered.ended.map(|()| said.join("; ")))
}

/// Sends what is ready of a trace. Gives how many spans the collector did not want.
fn send(endpoint: &Endpoint, traces: &mut Traces, last: bool) -> Result<u64> {
    let body = traces.take(last);
    let sent = body.map_or(Ok(0), |body| endpoint.traces(&body));
    sent.map_err(|error| failure(FAILED, error.to_string()))
}
