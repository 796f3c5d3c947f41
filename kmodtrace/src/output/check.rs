//! What can be traced.

use kmodtrace_core::plan::{CheckReport, render};
use kmodtrace_core::text::{json_schema, write_json};
use serde_json::Value;

use super::{Printed, Writer};

impl Printed for CheckReport {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|report, out| out.write_all(render(report).as_bytes())),
        Writer::json("One JSON object", |report, out| write_json(report, out)),
    ];

    fn schema() -> Value {
        json_schema::<Self>()
    }
}
