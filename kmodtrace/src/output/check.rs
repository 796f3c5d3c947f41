//! What can be traced.

use kmodtrace_core::plan::{CheckReport, render};
use kmodtrace_core::text::write_json;

use super::{Printed, Writer};

impl Printed for CheckReport {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|report, out| out.write_all(render(report).as_bytes())),
        Writer::json("One JSON object", |report, out| write_json(report, out)),
    ];
}
