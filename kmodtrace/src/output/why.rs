//! Where errnos came from.

use kmodtrace_core::analysis::why::{Why, write_text};
use kmodtrace_core::report::OfRecording;
use kmodtrace_core::text::{json_schema, write_json};
use serde_json::Value;

use super::colour::{Look, of_failures};
use super::{Printed, Writer};

/// Why something failed.
pub(crate) struct Answered {
    /// Why, of which recording.
    pub(crate) why: OfRecording<Why>,
    /// Columns that text may take.
    pub(crate) columns: usize,
}

impl Printed for Answered {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|answered, mut out| write_text(&answered.why.what, answered.columns, &mut out)),
        Writer::json("One JSON object", |answered, out| write_json(&answered.why, out)),
    ];

    const IS_LONG: bool = true;

    fn sentences(&self) -> Vec<(Look, String)> {
        let Why {
            hanging,
            causes,
            dropped,
            ..
        } = &self.why.what;
        of_failures(hanging, causes.iter().chain(dropped))
    }

    fn schema() -> Value {
        json_schema::<OfRecording<Why>>()
    }
}
