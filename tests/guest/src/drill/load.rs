//! A load, as drill's JSON tells it.

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// A load.
#[derive(Debug, Deserialize)]
pub(super) struct Load {
    pub(super) module: String,
    pub(super) tid: u32,
    /// `OK`, or the errno's name; none where its end was not seen.
    pub(super) result: Option<String>,
    pub(super) calls: Vec<Node>,
    pub(super) calls_dropped: u64,
    pub(super) sentences: Vec<String>,
}

/// A call.
#[derive(Debug, Deserialize)]
pub(super) struct Node {
    /// None for a function of the kernel itself.
    pub(super) module: Option<String>,
    pub(super) function: String,
    pub(super) tid: u32,
    pub(super) duration_ns: Option<u64>,
    pub(super) asleep_ns: Option<u64>,
    pub(super) errno: Option<String>,
    pub(super) returned: String,
    /// Where it was called.
    pub(super) line: Option<String>,
    pub(super) calls: Vec<Self>,
}

/// Reads loads, a line each.
pub(super) fn read(text: &str) -> Result<Vec<Load>> {
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("not a load: {line}")))
        .collect()
}

impl Load {
    /// Whether it is of this module, and ended so.
    pub(super) fn is(&self, module: &str, result: &str) -> bool {
        self.module == module && self.result.as_deref() == Some(result)
    }

    /// All its calls, each before those that it made.
    pub(super) fn all(&self) -> Vec<&Node> {
        fn add<'n>(calls: &'n [Node], all: &mut Vec<&'n Node>) {
            for call in calls {
                all.push(call);
                add(&call.calls, all);
            }
        }
        let mut all = Vec::new();
        add(&self.calls, &mut all);
        all
    }

    /// The way of its errno: the calls that returned it, the outermost first.
    pub(super) fn errno_path(&self) -> Vec<&Node> {
        let mut calls = self.all();
        calls.retain(|call| call.errno.is_some() && call.errno == self.result);
        calls
    }
}
