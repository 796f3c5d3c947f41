//! A comparison.

use kmodtrace_core::compare::diff::{Diff, write_html, write_text};
use kmodtrace_core::text::{json_schema, write_json};
use serde_json::Value;

use super::{MadeOf, Printed, Writer};

impl Printed for Diff {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|diff, mut out| write_text(diff, &mut out)),
        Writer::json("One JSON object", |diff, out| write_json(diff, out)),
        Writer {
            name: "html",
            help: "A page for a browser, in one file, with the value of every run",
            made_of: MadeOf::Text,
            write: |diff, mut out| write_html(diff, &mut out),
        },
    ];

    const IS_LONG: bool = true;

    fn schema() -> Value {
        json_schema::<Self>()
    }
}
