//! Who waited for whom.

use kmodtrace_core::analysis::graph::{write_dot, write_flamegraph, write_folded, write_svg};
use kmodtrace_core::analysis::waits::{Waiting, write_text};
use kmodtrace_core::model::Zero;
use kmodtrace_core::report::OfRecording;
use kmodtrace_core::text::{json_schema, write_json};
use serde_json::Value;

use super::colour::{Look, of_failures};
use super::{MadeOf, Printed, Writer};

/// A graph of waits.
pub(crate) struct Waits {
    /// The graph, and what hangs, of which recording.
    pub(crate) waiting: OfRecording<Waiting>,
    /// What text counts times from.
    pub(crate) zero: Zero,
    /// Columns that what hangs may take in text.
    pub(crate) columns: usize,
}

impl Printed for Waits {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|waits, mut out| write_text(&waits.waiting.what, waits.zero, waits.columns, &mut out)),
        Writer::json("One JSON object", |waits, out| write_json(&waits.waiting, out)),
        Writer {
            name: "dot",
            help: "For graphviz, which lays out more than svg does: pipe it to dot -Tsvg",
            made_of: MadeOf::Text,
            write: |waits, mut out| write_dot(&waits.waiting.what.graph, &mut out),
        },
        Writer {
            name: "folded",
            help: "Wait time as folded stacks in microseconds, for flame graph viewers",
            made_of: MadeOf::Text,
            write: |waits, mut out| write_folded(&waits.waiting.what.graph, &mut out),
        },
        Writer {
            name: "svg",
            help: "The graph as a picture",
            made_of: MadeOf::Text,
            write: |waits, mut out| write_svg(&waits.waiting.what.graph, &mut out),
        },
        Writer {
            name: "flamegraph",
            help: "The folded stacks as a picture in SVG",
            made_of: MadeOf::Text,
            write: |waits, mut out| write_flamegraph(&waits.waiting.what.graph, &mut out),
        },
    ];

    const IS_LONG: bool = true;

    fn sentences(&self) -> Vec<(Look, String)> {
        of_failures(&self.waiting.what.hanging, [].iter())
    }

    fn schema() -> Value {
        json_schema::<OfRecording<Waiting>>()
    }
}
