//! Who waits: the graph of waits, and before it what hangs at the end.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::graph::{self, Graph};
use super::why::{Hang, write_hangs};
use crate::model::Zero;

/// Hangs that are told before the graph.
const TOLD: usize = 8;

/// A wait graph, and what had not returned when the recording ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Graph")]
pub struct Waiting {
    /// The graph.
    #[serde(flatten)]
    pub graph: Graph,
    /// What had not returned when the recording ended, those that lasted longest first. Empty where an errno is asked for.
    pub hanging: Vec<Hang>,
}

/// Writes what hangs, the first eight, as `why` has it in so many columns, then the graph.
pub fn write_text(waiting: &Waiting, zero: Zero, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let (told, more) = waiting.hanging.split_at(waiting.hanging.len().min(TOLD));
    write_hangs(told, columns, out)?;
    if !more.is_empty() {
        writeln!(out, "\nand {} more: kmodtrace why tells of all", more.len())?;
    }
    if !told.is_empty() {
        writeln!(out)?;
    }
    graph::write_text(&waiting.graph, zero, columns, out)
}
