//! What a recording holds.

use kmodtrace_core::report::{
    Report, TextLayout, write_attempts_csv, write_chrome, write_flamegraph, write_histograms, write_html, write_jsonl,
    write_modules_csv, write_perfetto, write_svg, write_text,
};
use kmodtrace_core::text::{json_schema, write_json};
use serde_json::Value;

use super::colour::{Look, of_failures};
use super::{MadeOf, Printed, Writer};

/// A report, and what of it was asked for.
pub(crate) struct Reported {
    /// The report.
    pub(crate) report: Report,
    /// How text is laid out.
    pub(crate) layout: TextLayout,
    /// Whether text has bars.
    pub(crate) histogram: bool,
    /// Whether attempts are listed in place of modules, where a format has room for one of both.
    pub(crate) attempts: bool,
}

impl Printed for Reported {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|reported, mut out| {
            write_text(&reported.report, &reported.layout, &mut out)?;
            if reported.histogram {
                write_histograms(&reported.report, &mut out)?;
            }
            Ok(())
        }),
        Writer::json("One JSON object", |reported, out| write_json(&reported.report, out)),
        Writer {
            name: "jsonl",
            help: "JSON, a line for each thing",
            made_of: MadeOf::Text,
            write: |reported, mut out| write_jsonl(&reported.report, &mut out),
        },
        Writer {
            name: "csv",
            help: "Comma-separated values; what a spreadsheet would take for a formula has a ' in front",
            made_of: MadeOf::Table,
            write: |reported, mut out| {
                let write = if reported.attempts {
                    write_attempts_csv
                } else {
                    write_modules_csv
                };
                write(&reported.report, true, &mut out)
            },
        },
        Writer {
            name: "html",
            help: "A page in one file: the answer, a line of time, distributions, tables; it opens without a network",
            made_of: MadeOf::Attempts,
            write: |reported, mut out| write_html(&reported.report, &reported.layout, &mut out),
        },
        Writer {
            name: "svg",
            help: "The line of time by itself, as a picture",
            made_of: MadeOf::Attempts,
            write: |reported, mut out| write_svg(&reported.report, &reported.layout, &mut out),
        },
        Writer {
            name: "flamegraph",
            help: "The time of all loads by task, module and stage, as a picture in SVG",
            made_of: MadeOf::Attempts,
            write: |reported, mut out| write_flamegraph(&reported.report, &mut out),
        },
        Writer {
            name: "perfetto",
            help: "Protobuf for ui.perfetto.dev and trace_processor: a track a task, stages, waits, requests, modules",
            made_of: MadeOf::AttemptsAsBytes,
            write: |reported, mut out| write_perfetto(&reported.report, &mut out),
        },
        Writer {
            name: "chrome",
            help: "The same as JSON, for chrome://tracing, speedscope and others",
            made_of: MadeOf::Attempts,
            write: |reported, mut out| write_chrome(&reported.report, &mut out),
        },
    ];

    const IS_LONG: bool = true;

    fn sentences(&self) -> Vec<(Look, String)> {
        let hanging = self.report.hanging.as_deref().unwrap_or_default();
        of_failures(hanging, self.report.failures.iter().flatten())
    }

    fn schema() -> Value {
        json_schema::<Report>()
    }
}
