//! What kmodtrace says that it saw: the JSON of its report, as any other program would read it.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::{Context as _, Result};
use guest_vm::process;
use serde::{Deserialize, de::DeserializeOwned};

/// The report of a recording, by the tool itself: what its users read.
pub(crate) fn report(tool: &Path, recording: &Path) -> Result<Report> {
    report_as(tool, recording)
}

/// The same for who reads something else of it.
pub(crate) fn report_as<T: DeserializeOwned>(tool: &Path, recording: &Path) -> Result<T> {
    let mut command = Command::new(tool);
    command
        .args(["report", "--format", "json", "--attempts", "--from"])
        .arg(recording);
    let text = process::text(&mut command)?;
    serde_json::from_str(&text).with_context(|| format!("the report of {} is not as documented", recording.display()))
}

/// The object of `kmodtrace report --format json --attempts`.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) kernel: Release,
    pub(crate) quality: Quality,
    pub(crate) modules: Vec<Module>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) unloads: Vec<Attempt>,
    pub(crate) requests: Vec<Request>,
}

/// The kernel that was watched.
#[derive(Debug, Deserialize)]
pub(crate) struct Release {
    pub(crate) release: String,
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
    pub(crate) id: u64,
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
    pub(crate) request: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Wait {
    pub(crate) kind: String,
    pub(crate) start_ns: u64,
    pub(crate) duration_ns: Option<u64>,
    pub(crate) on_tid: Option<u32>,
}

/// A request of the kernel.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) tid: u32,
    pub(crate) tgid: u32,
    pub(crate) start_ns: Option<u64>,
    pub(crate) end_ns: Option<u64>,
    pub(crate) stack: Vec<String>,
    pub(crate) slot: Option<Slot>,
    pub(crate) helper: Option<Helper>,
    pub(crate) ret: Option<i64>,
    pub(crate) caller: Option<Caller>,
    pub(crate) origin: Option<Origin>,
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Slot {
    pub(crate) duration_ns: Option<u64>,
    pub(crate) errno: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Helper {
    pub(crate) path: String,
    pub(crate) start_ns: u64,
    pub(crate) duration_ns: Option<u64>,
    pub(crate) taken_up_ns: Option<u64>,
    pub(crate) forked_ns: Option<u64>,
    pub(crate) runs_ns: Option<u64>,
    pub(crate) ended_ns: Option<u64>,
    pub(crate) programs: Vec<String>,
    pub(crate) status: Option<i64>,
    pub(crate) attempts: Vec<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Caller {
    pub(crate) function: String,
    pub(crate) found: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Origin {
    pub(crate) causes: Vec<String>,
}

impl Attempt {
    /// Waits for another task's load of the same module, as against those for what it needs, for locks and for work.
    pub(crate) fn waits_for_loads(&self) -> Vec<&Wait> {
        let for_load = |wait: &&Wait| ["same-name", "same-inode"].contains(&wait.kind.as_str());
        self.waits.iter().filter(for_load).collect()
    }
}
