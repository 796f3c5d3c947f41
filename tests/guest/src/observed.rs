//! What kmodtrace says that it saw: the JSON of its report, as any other program would read it.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use guest_vm::process;
use serde::{Deserialize, de::DeserializeOwned};

/// The report of a recording, by the tool itself: what its users read.
pub(crate) fn report(tool: &Path, recording: &Path) -> Result<Report> {
    told(tool, &["report", "--attempts"], recording)
}

/// What one of the tool's commands tells of a recording, as JSON.
pub(crate) fn told<T: DeserializeOwned>(tool: &Path, command: &[&str], recording: &Path) -> Result<T> {
    let mut command = process::command(tool, command);
    command.args(["--json", "--from"]).arg(recording);
    let text = process::text(&mut command)?;
    serde_json::from_str(&text).with_context(|| format!("{} is not as documented", process::shown(&command)))
}

/// The object of `kmodtrace report --format json --attempts`.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) kernel: Release,
    pub(crate) recording: Recorded,
    pub(crate) quality: Quality,
    pub(crate) account: Option<Account>,
    pub(crate) modules: Vec<Module>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) unloads: Vec<Attempt>,
    pub(crate) requests: Vec<Request>,
}

/// What it came to.
#[derive(Debug, Deserialize)]
pub(crate) struct Account {
    pub(crate) loads: u64,
    /// Loads of what another one had loaded or was loading.
    pub(crate) already_there: u64,
    /// Absent where no cgroup is known.
    #[serde(default)]
    pub(crate) services: Vec<Service>,
    pub(crate) before: Option<BeforeTracer>,
    /// Absent where there was no systemd.
    #[serde(default)]
    pub(crate) critical: Vec<CriticalRow>,
}

/// A unit that the boot waited for.
#[derive(Debug, Deserialize)]
pub(crate) struct CriticalRow {
    pub(crate) unit: String,
    pub(crate) active_ns: u64,
    pub(crate) in_flight_ns: u64,
}

/// Loads in a cgroup.
#[derive(Debug, Deserialize)]
pub(crate) struct Service {
    pub(crate) cgroup: Option<String>,
    pub(crate) loads: u64,
}

/// What was before the tracer of a boot was attached.
#[derive(Debug, Deserialize)]
pub(crate) struct BeforeTracer {
    pub(crate) requests: Option<EventNames>,
    pub(crate) loads: Option<EventNames>,
    pub(crate) ring: Option<Ring>,
    pub(crate) unobserved: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EventNames {
    pub(crate) count: usize,
}

/// What the kernel's own ring has.
#[derive(Debug, Deserialize)]
pub(crate) struct Ring {
    pub(crate) events: Vec<RingEvent>,
    pub(crate) left_out: u64,
    pub(crate) lost: Option<u64>,
    pub(crate) unread: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RingEvent {
    pub(crate) time_ns: u64,
    pub(crate) tid: u32,
    pub(crate) what: String,
    pub(crate) name: String,
}

/// The object of `kmodtrace why --json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Why {
    pub(crate) failed_requests: u64,
    pub(crate) summary: Vec<String>,
    pub(crate) causes: Vec<Reason>,
    pub(crate) dropped: Vec<Reason>,
}

/// Failures of one kind.
#[derive(Debug, Deserialize)]
pub(crate) struct Reason {
    pub(crate) count: u64,
    pub(crate) name: Option<String>,
    pub(crate) outcome: String,
    pub(crate) causes: Vec<String>,
    pub(crate) headline: String,
    pub(crate) sentences: Vec<String>,
}

/// The kernel that was watched.
#[derive(Debug, Deserialize)]
pub(crate) struct Release {
    pub(crate) release: String,
}

/// The recording itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Recorded {
    /// When all probes were attached, by the clock that all times are of.
    pub(crate) began_ns: u64,
    /// Absent in fixtures.
    pub(crate) machine_id: Option<String>,
    pub(crate) host: Option<String>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
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
    #[serde(default)]
    pub(crate) refused: Vec<Refused>,
    pub(crate) unobserved: Vec<String>,
}

/// Calls that were only counted.
#[derive(Debug, Deserialize)]
pub(crate) struct Refused {
    pub(crate) uid: Option<u32>,
    pub(crate) calls: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Module {
    pub(crate) name: Option<String>,
    pub(crate) attempts: u64,
    pub(crate) outcomes: BTreeMap<String, u64>,
    pub(crate) waits: Vec<WaitTotal>,
    /// By state; none where that is not observed.
    pub(crate) collisions: Option<BTreeMap<String, Option<u64>>>,
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
    pub(crate) comm: String,
    pub(crate) device: Option<Device>,
    pub(crate) syscall: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) args: Option<String>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) start_ns: Option<u64>,
    pub(crate) end_ns: Option<u64>,
    pub(crate) errno: Option<u32>,
    pub(crate) role: Option<String>,
    pub(crate) waits: Vec<Wait>,
    pub(crate) collided_with: Option<String>,
    pub(crate) leader_tid: Option<u32>,
    pub(crate) uid: Option<u32>,
    pub(crate) init_errno: Option<u32>,
    pub(crate) exit_symbol: Option<String>,
    pub(crate) request: Option<u64>,
    pub(crate) origin: Option<Origin>,
}

/// A device that udev handled.
#[derive(Debug, Deserialize)]
pub(crate) struct Device {
    pub(crate) path: String,
    pub(crate) alias: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Signal {
    pub(crate) name: String,
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
    pub(crate) origin: Option<RequestOrigin>,
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
pub(crate) struct RequestOrigin {
    pub(crate) causes: Vec<String>,
}

/// Where the errno of an attempt came from.
#[derive(Debug, Deserialize)]
pub(crate) struct Origin {
    pub(crate) errno: u32,
    pub(crate) stage: String,
    pub(crate) function: Option<String>,
    pub(crate) certainty: Certainty,
    pub(crate) between: Option<(String, String)>,
    pub(crate) causes: Vec<String>,
    pub(crate) from_tid: Option<u32>,
    pub(crate) from_errno: Option<u32>,
    pub(crate) evidence: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Certainty {
    Exact,
    Gap,
}

impl Quality {
    /// Whether nothing was lost, and the kernel skipped no program.
    pub(crate) fn is_whole(&self) -> bool {
        self.lost == 0 && self.missed == 0
    }
}

impl Attempt {
    /// Waits for another task's load of the same module, as against those for what it needs, for locks and for work.
    pub(crate) fn waits_for_loads(&self) -> Vec<&Wait> {
        let for_load = |wait: &&Wait| ["same-name", "same-inode"].contains(&wait.kind.as_str());
        self.waits.iter().filter(for_load).collect()
    }
}
