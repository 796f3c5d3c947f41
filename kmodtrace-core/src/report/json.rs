//! The report for programs: one object, or one line for each part of it.

use std::io::{self, Write};

use serde::Serialize;

use super::{AttemptRow, KernelRow, ModuleRow, Quality, RecordingRow, Report, RequestRow, RequestedRow, Rows, SCHEMA};
use crate::analysis::findings::Finding;
use crate::text::write_json_line;

/// A line, told by its `type`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Header {
        schema: &'static str,
        kernel: &'a KernelRow,
        recording: Option<&'a RecordingRow>,
    },
    Module(&'a ModuleRow),
    Attempt(AttemptRow),
    Unload(AttemptRow),
    Requested(&'a RequestedRow),
    Finding(&'a Finding),
    Request(RequestRow),
    Quality(&'a Quality),
}

/// Writes the header, every module, what was requested, the findings, the attempts and requests if the report has them, and the
/// quality, one object a line.
pub fn write_jsonl(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let header = Line::Header {
        schema: SCHEMA,
        kernel: &report.kernel,
        recording: report.recording.as_ref(),
    };
    let lines = std::iter::once(header)
        .chain(report.modules.iter().map(Line::Module))
        .chain(report.requested.iter().flatten().map(Line::Requested))
        .chain(report.findings.iter().map(Line::Finding))
        .chain(report.attempts.iter().flat_map(Rows::iter).map(Line::Attempt))
        .chain(report.unloads.iter().flat_map(Rows::iter).map(Line::Unload))
        .chain(report.requests.iter().flat_map(Rows::iter).map(Line::Request))
        .chain([Line::Quality(&report.quality)]);
    for line in lines {
        write_json_line(&line, out)?;
    }
    Ok(())
}
