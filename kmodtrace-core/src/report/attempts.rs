//! An attempt's row.

use schemars::JsonSchema;
use serde::Serialize;

use super::origins::{LogRow, OriginRow, ParentRow, StageRow};
use crate::analysis::origin::Origin;
use crate::model::{Attempt, Collision, Device, Note, Role, Signal, Span, Syscall, Wait, WaitKind};

/// One attempt. Times are nanoseconds of `CLOCK_MONOTONIC`; null is what does not apply or was not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct AttemptRow {
    /// Its number, from 1; stable for one recording.
    pub id: u64,
    /// The module.
    pub module: Option<String>,
    /// The task.
    pub tid: u32,
    /// Its thread group.
    pub tgid: u32,
    /// The task's name; empty when the entry was not seen.
    pub comm: String,
    /// Thread group of the parent.
    pub parent_tgid: Option<u32>,
    /// The parent's name.
    pub parent_comm: Option<String>,
    /// The effective user, as the initial namespace numbers it.
    pub uid: Option<u32>,
    /// Whether the task had `CAP_SYS_MODULE`, which the call needs.
    pub capable: Option<bool>,
    /// cgroup v2 id.
    pub cgroup_id: Option<u64>,
    /// The call; null when the entry was not seen.
    pub syscall: Option<Syscall>,
    /// Its `flags`.
    pub flags: u32,
    /// Length of the argument string in bytes.
    pub args_len: Option<u32>,
    /// The argument string, up to 127 bytes and `...`; null where it is empty or was not read.
    pub args: Option<String>,
    /// Last component of the file's path.
    pub file: Option<String>,
    /// The whole path, from `.../` on where its beginning was not seen.
    pub path: Option<String>,
    /// The device that udev handled; null for other tasks.
    pub device: Option<DeviceRow>,
    /// The file's inode.
    pub inode: Option<u64>,
    /// The file system's device, as the kernel's `dev_t`.
    pub dev: Option<u32>,
    /// Entry.
    pub start_ns: Option<u64>,
    /// Return.
    pub end_ns: Option<u64>,
    /// From one to the other.
    pub duration_ns: Option<u64>,
    /// What the caller got: 0, or a positive error number.
    pub errno: Option<u32>,
    /// Its name: `OK`, `EBUSY`, ...
    pub errno_name: Option<String>,
    /// What it was among the loads of the same module.
    pub role: Option<Role>,
    /// Its waits, in order.
    pub waits: Vec<WaitOfAttempt>,
    /// The first thing that stood in its way.
    pub collided_with: Option<Collision>,
    /// Whose load or unload that was.
    pub leader_tid: Option<u32>,
    /// That task's name.
    pub leader_comm: Option<String>,
    /// The `id` of that attempt.
    pub leader_id: Option<u64>,
    /// Time inside `load_module`.
    pub load_module_ns: Option<u64>,
    /// Bytes of the image, read by the kernel or handed over.
    pub bytes: Option<u64>,
    /// Time inside the init function.
    pub init_ns: Option<u64>,
    /// What the init function itself returned: 0, or a positive error number.
    pub init_errno: Option<u32>,
    /// The init function.
    pub init_symbol: Option<String>,
    /// The exit function of a module that is unloaded.
    pub exit_symbol: Option<String>,
    /// What is known to be missing.
    pub notes: Vec<Note>,
    /// Where its errno came from; null when it did not fail.
    pub origin: Option<OriginRow>,
    /// Where its time went, in order, without gap or overlap; empty when its entry or its return was not seen.
    pub stages: Vec<StageRow>,
    /// Who started the parent, and so on, the nearest first.
    pub ancestors: Vec<ParentRow>,
    /// The `id` of the request whose helper makes this attempt.
    pub request: Option<u64>,
    /// The `id`s of the requests made inside it.
    pub requests: Vec<u64>,
    /// What the task wrote to the kernel log meanwhile.
    pub log: Vec<LogRow>,
    /// Signals that were sent to the task meanwhile.
    pub signals: Vec<SignalRow>,
}

/// A device that udev handles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DeviceRow {
    /// `DEVPATH`: where it is below /sys.
    pub path: String,
    /// `SUBSYSTEM`.
    pub subsystem: Option<String>,
    /// `MODALIAS`.
    pub alias: Option<String>,
    /// `ACTION`.
    pub action: Option<String>,
}

impl DeviceRow {
    fn new(device: &Device) -> Self {
        let Device {
            path,
            subsystem,
            alias,
            action,
        } = device.clone();
        Self {
            path,
            subsystem,
            alias,
            action,
        }
    }
}

/// A signal that was sent to a task inside an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SignalRow {
    /// When.
    pub time_ns: u64,
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Thread group that ran as it was sent.
    pub sender_tgid: u32,
    /// That task's name.
    pub sender_comm: String,
}

impl SignalRow {
    fn new(signal: &Signal) -> Self {
        Self {
            time_ns: signal.time.0,
            number: signal.number,
            name: signal.name(),
            sender_tgid: signal.sender.tgid.0,
            sender_comm: signal.sender.comm.clone().into(),
        }
    }
}

/// A wait of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WaitOfAttempt {
    /// Why.
    pub kind: WaitKind,
    /// Since when.
    pub start_ns: u64,
    /// How long; null when its end was not seen.
    pub duration_ns: Option<u64>,
    /// For whom, where that was seen.
    pub on_tid: Option<u32>,
    /// That task's name.
    pub on_comm: Option<String>,
    /// The `id` of that attempt.
    pub on_id: Option<u64>,
    /// For which module, where it is not the attempt's own.
    pub module: Option<String>,
    /// Wake-ups, the last one included; same-name waits only.
    pub wakeups: Option<u32>,
    /// Wake-ups for nothing.
    pub spurious: Option<u32>,
}

impl AttemptRow {
    pub(super) fn new(attempt: &Attempt, origin: Option<&Origin>) -> Self {
        let parent = attempt.parent.as_ref();
        let file = attempt.file.as_ref();
        let leader = attempt.leader.as_ref();
        let init = attempt.init.as_ref();
        Self {
            id: attempt.id.0,
            module: attempt.module.clone().map(Into::into),
            tid: attempt.tid.0,
            tgid: attempt.tgid.0,
            comm: attempt.comm.clone().into(),
            parent_tgid: parent.map(|parent| parent.tgid.0),
            parent_comm: parent.map(|parent| parent.comm.clone().into()),
            uid: attempt.uid,
            capable: attempt.capable,
            cgroup_id: attempt.cgroup,
            syscall: attempt.syscall,
            flags: attempt.flags,
            args_len: attempt.args_len,
            args: attempt.args.clone(),
            file: file.map(|file| file.name.clone().into()),
            path: attempt.path.clone(),
            device: attempt.device.as_ref().map(DeviceRow::new),
            inode: file.and_then(|file| file.inode).map(|inode| inode.0),
            dev: file.map(|file| file.dev),
            start_ns: attempt.start.map(|start| start.0),
            end_ns: attempt.end.map(|end| end.0),
            duration_ns: attempt.duration().map(|duration| duration.0),
            errno: attempt.errno.map(|errno| errno.0),
            errno_name: attempt.errno.map(|errno| errno.name().into_owned()),
            role: attempt.role,
            waits: attempt.waits.iter().map(WaitOfAttempt::new).collect(),
            collided_with: attempt.collided_with,
            leader_tid: leader.map(|leader| leader.tid.0),
            leader_comm: leader.map(|leader| leader.comm.clone().into()),
            leader_id: leader.map(|leader| leader.attempt.0),
            load_module_ns: attempt.load.and_then(Span::duration).map(|duration| duration.0),
            bytes: attempt.bytes(),
            init_ns: init.and_then(|init| init.span.duration()).map(|duration| duration.0),
            init_errno: init.and_then(|init| init.errno).map(|errno| errno.0),
            init_symbol: init.and_then(|init| init.symbol.clone()),
            exit_symbol: attempt.exit_function.clone(),
            notes: attempt.notes.clone(),
            origin: origin.map(OriginRow::new),
            stages: StageRow::all(attempt),
            ancestors: attempt.ancestors.iter().map(ParentRow::new).collect(),
            request: attempt.request.map(|request| request.0),
            requests: attempt.requests.iter().map(|request| request.0).collect(),
            log: LogRow::all(&attempt.log),
            signals: attempt.signals.iter().map(SignalRow::new).collect(),
        }
    }
}

impl WaitOfAttempt {
    fn new(wait: &Wait) -> Self {
        let on = wait.on.as_ref();
        Self {
            kind: wait.kind,
            start_ns: wait.span.start.0,
            duration_ns: wait.span.duration().map(|duration| duration.0),
            on_tid: on.map(|on| on.tid.0),
            on_comm: on.map(|on| on.comm.clone().into()),
            on_id: on.map(|on| on.attempt.0),
            module: wait.module.clone().map(Into::into),
            wakeups: wait.wakeups(),
            spurious: wait.spurious(),
        }
    }
}
