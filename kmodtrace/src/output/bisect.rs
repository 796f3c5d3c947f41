//! What a session of bisect has come to.

use kmodtrace_core::compare::bisect::{Summary, write_html, write_text};
use kmodtrace_core::text::{json_schema, write_json};
use serde_json::Value;

use super::{MadeOf, Printed, Writer};

impl Printed for Summary {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|summary, mut out| write_text(summary, &mut out)),
        Writer::json("One JSON object", |summary, out| write_json(summary, out)),
        Writer {
            name: "html",
            help: "A page for a browser, in one file",
            made_of: MadeOf::Text,
            write: |summary, mut out| write_html(summary, &mut out),
        },
    ];

    fn schema() -> Value {
        json_schema::<Self>()
    }
}
