//! What kmodtrace says that it saw: the JSON of its report, as any other program would read it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The object of `kmodtrace report --format json --attempts`.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) quality: Quality,
    pub(crate) modules: Vec<Module>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) unloads: Vec<Attempt>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Quality {
    pub(crate) lost: u64,
    pub(crate) missed: u64,
    pub(crate) clipped: u64,
    pub(crate) began_before: u64,
    pub(crate) exit_not_seen: u64,
    pub(crate) in_flight: u64,
    pub(crate) truncated: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Module {
    pub(crate) name: Option<String>,
    pub(crate) attempts: u64,
    pub(crate) outcomes: BTreeMap<String, u64>,
    pub(crate) waits: Vec<WaitTotal>,
    pub(crate) collisions: Option<BTreeMap<String, u64>>,
    pub(crate) going: Option<Going>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct WaitTotal {
    pub(crate) kind: String,
    pub(crate) count: Option<u64>,
    pub(crate) total_ns: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Going {
    pub(crate) windows: u64,
    pub(crate) total_ns: u64,
    pub(crate) longest_ns: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) module: Option<String>,
    pub(crate) tid: u32,
    pub(crate) syscall: Option<String>,
    pub(crate) start_ns: Option<u64>,
    pub(crate) end_ns: Option<u64>,
    pub(crate) errno: Option<u32>,
    pub(crate) role: Option<String>,
    pub(crate) waits: Vec<Wait>,
    pub(crate) collided_with: Option<String>,
    pub(crate) leader_tid: Option<u32>,
    pub(crate) init_errno: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Wait {
    pub(crate) kind: String,
    pub(crate) start_ns: u64,
    pub(crate) duration_ns: Option<u64>,
    pub(crate) on_tid: Option<u32>,
}

impl Attempt {
    /// Waits for another task's load, as against asynchronous work.
    pub(crate) fn waits_for_loads(&self) -> Vec<&Wait> {
        self.waits.iter().filter(|wait| wait.kind != "async").collect()
    }
}
