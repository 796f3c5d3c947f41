//! The list of recorded boots.

use kmodtrace_core::report::Boots;
use kmodtrace_core::text::{json_schema, write_json};
use serde_json::Value;

use super::{Printed, Writer};

impl Printed for Boots {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|boots, out| boots.write(out)),
        Writer::json("One JSON object", |boots, out| write_json(boots, out)),
    ];

    fn schema() -> Value {
        json_schema::<Self>()
    }
}
