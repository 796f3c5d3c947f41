//! A load and its calls as JSON.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::load::Load;
use super::tree::Call;
use crate::model::{Errno, Note, OffCpu};
use crate::text::{json_schema, write_json_line};

/// A load. Times are nanoseconds.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Load")]
struct Row<'a> {
    module: Option<&'a str>,
    tid: u32,
    comm: &'a str,
    /// The errno that the system call returned, or `OK`; absent where its end was not seen, of which `notes` tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ns: Option<u64>,
    /// Calls of the loading task, and of others while its init function ran.
    calls: Vec<Node<'a>>,
    /// Entries and returns that were not kept.
    calls_dropped: u64,
    /// What is known to be missing.
    notes: &'a [Note],
    /// What there is to say.
    sentences: Vec<String>,
}

/// A call.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Call")]
struct Node<'a> {
    /// Absent for a function of the kernel itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<&'a str>,
    function: &'a str,
    tid: u32,
    start_ns: u64,
    /// Absent where the return was not seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ns: Option<u64>,
    /// Absent for other tasks than the loading one.
    #[serde(skip_serializing_if = "Option::is_none")]
    asleep_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preempted_ns: Option<u64>,
    /// `ENODEV`.
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<String>,
    /// What it returned, as the tree shows it; empty where there is nothing to tell. An errno with `?` is a guess.
    returned: String,
    /// Where it was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    calls: Vec<Self>,
}

/// The JSON Schema of such a line.
pub fn schema() -> serde_json::Value {
    json_schema::<Row<'static>>()
}

/// Writes the load on one line.
pub fn write_json(load: &Load<'_>, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let attempt = load.attempt;
    let own = load.own();
    let others = load.others();
    let nodes = own
        .iter()
        .map(|call| node(load, call, None, Some(&attempt.off_cpu)))
        .chain(others.iter().map(|call| node(load, call, None, None)));
    let row = Row {
        module: attempt.module.as_deref(),
        tid: attempt.tid.0,
        comm: &attempt.comm,
        result: attempt.errno.map(|errno| errno.name().into_owned()),
        duration_ns: attempt.duration().map(|took| took.0),
        calls: nodes.collect(),
        calls_dropped: attempt.calls_dropped,
        notes: &attempt.notes,
        sentences: load.sentences(),
    };
    write_json_line(&row, out)
}

fn node<'a>(load: &Load<'a>, call: &Call, caller: Option<&Call>, off_cpu: Option<&[OffCpu]>) -> Node<'a> {
    let known = load.names.known(call.function);
    let spent = off_cpu.and_then(|off_cpu| call.spent(off_cpu));
    Node {
        module: known.and_then(|known| known.module.as_deref()),
        function: known.map_or("", |known| &known.name),
        tid: call.tid.0,
        start_ns: call.start.0,
        duration_ns: call.duration().map(|took| took.0),
        asleep_ns: spent.map(|spent| spent.asleep.0),
        preempted_ns: spent.map(|spent| spent.preempted.0),
        errno: call.errno().map(|errno| Errno(errno).name().into_owned()),
        returned: call.outcome.to_string(),
        line: caller.and_then(|caller| load.names.line_of(caller, call)),
        calls: call
            .calls
            .iter()
            .map(|inner| node(load, inner, Some(call), off_cpu))
            .collect(),
    }
}
