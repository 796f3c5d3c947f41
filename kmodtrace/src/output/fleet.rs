//! What the recordings of a folder are like.

use kmodtrace_core::compare::fleet::{Fleet, write_text};
use kmodtrace_core::text::{json_schema, write_json};
use serde_json::Value;

use super::{Printed, Writer};

/// A fleet, and how text is laid out.
pub(crate) struct Machines {
    /// It.
    pub(crate) fleet: Fleet,
    /// How many modules text lists; none where nobody asked for a number.
    pub(crate) modules: Option<usize>,
    /// Columns that text may take.
    pub(crate) columns: usize,
}

impl Printed for Machines {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|machines, mut out| write_text(&machines.fleet, machines.modules, machines.columns, &mut out)),
        Writer::json("One JSON object", |machines, out| write_json(&machines.fleet, out)),
    ];

    const IS_LONG: bool = true;

    fn schema() -> Value {
        json_schema::<Fleet>()
    }
}
