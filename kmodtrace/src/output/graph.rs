//! Who waited for whom.

use kmodtrace_core::analysis::graph::{Graph, write_dot, write_folded, write_text};
use kmodtrace_core::model::Zero;
use kmodtrace_core::text::{json_schema, write_json};
use serde_json::Value;

use super::{Printed, Writer};

/// A graph of waits.
pub(crate) struct Waits {
    /// The graph.
    pub(crate) graph: Graph,
    /// What text counts times from.
    pub(crate) zero: Zero,
}

impl Printed for Waits {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|waits, mut out| write_text(&waits.graph, waits.zero, &mut out)),
        Writer::json("One JSON object", |waits, out| write_json(&waits.graph, out)),
        Writer {
            name: "dot",
            help: "For graphviz: pipe it to dot -Tsvg",
            write: |waits, mut out| write_dot(&waits.graph, &mut out),
        },
        Writer {
            name: "folded",
            help: "Wait time as folded stacks in microseconds, for flame graph viewers",
            write: |waits, mut out| write_folded(&waits.graph, &mut out),
        },
    ];

    const IS_LONG: bool = true;

    fn schema() -> Value {
        json_schema::<Graph>()
    }
}
