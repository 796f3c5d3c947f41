//! What can be traced.

use kmodtrace_core::plan::{CheckReport, render};

use super::{Printed, Writer, write_json};

impl Printed for CheckReport {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|report, out| out.write_all(render(report).as_bytes())),
        Writer::json("One JSON object", |report, out| write_json(report, out)),
    ];
}
