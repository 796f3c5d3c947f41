//! One system call that loads or unloads a module.

use serde::{Deserialize, Serialize};

use super::call::{CallMark, OffCpu};
use super::device::Device;
use super::errno::Errno;
use super::function::Function;
use super::ids::{AttemptId, RequestId};
use super::log::LogLine;
use super::name::Name;
use super::note::Note;
use super::signal::Signal;
use super::span::Span;
use super::task::{Parent, TaskRef};
use super::units::{Inode, Ktime, Nanos, Tgid, Tid};
use super::wait::{Collision, Wait};

/// One `init_module`, `finit_module` or `delete_module` call by one task, from entry to return.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Number of the attempt, in the order in which attempts were first seen.
    pub id: AttemptId,
    /// Name of the module, as the loader or the image has it, else derived from the file name; absent if neither was seen.
    pub module: Option<Name>,
    /// Task that made the system call.
    pub tid: Tid,
    /// Thread group of the task.
    pub tgid: Tgid,
    /// Name of the task; empty if the entry was not seen.
    pub comm: Name,
    /// Parent of the thread group at entry; absent if it was not read.
    pub parent: Option<Parent>,
    /// Effective user of the task, as the initial namespace numbers it; absent if it was not read.
    pub uid: Option<u32>,
    /// Whether the task had `CAP_SYS_MODULE` in the initial namespace, which the call needs; absent if that was not read.
    pub capable: Option<bool>,
    /// Identifier of the task's cgroup (v2); absent if the entry was not seen.
    pub cgroup: Option<u64>,
    /// System call; absent if the entry was not seen.
    pub syscall: Option<Syscall>,
    /// `flags` argument of `finit_module` or `delete_module`; 0 for `init_module`.
    pub flags: u32,
    /// Length of the module's argument string, in bytes; absent if it was not read.
    pub args_len: Option<u32>,
    /// Argument string, or its beginning and `...` where it has more than 127 bytes; absent if it is empty, or was not read.
    pub args: Option<String>,
    /// `len` argument of `init_module`, in bytes; absent for the other calls.
    pub image_bytes: Option<u64>,
    /// File that the module is loaded from; absent for `init_module`, or if it was not seen.
    pub file: Option<FileId>,
    /// Path of that file from the root of all mounts, with `.../` in front where its beginning was not seen; absent if it was not seen
    /// lately, neither in this attempt nor in another one that loaded the same file.
    pub path: Option<String>,
    /// Device that the task, a worker of udev, handles; absent for other tasks, or if it was not seen.
    pub device: Option<Device>,
    /// Time of entry; absent if the entry was not seen.
    pub start: Option<Ktime>,
    /// Time of return; absent while the call is in flight, or if the return was not seen.
    pub end: Option<Ktime>,
    /// Errno that the caller got, or success; absent while the call is in flight, or if the return was not seen.
    pub errno: Option<Errno>,
    /// Part that the attempt played among the loads of its module; absent if it ended before the duplicate check.
    pub role: Option<Role>,
    /// Spans in which the task slept because of somebody else, in order; they do not overlap.
    pub waits: Vec<Wait>,
    /// State of the first old module, or load of the same inode, that the attempt met; absent if it met none.
    pub collided_with: Option<Collision>,
    /// Task whose load or unload the attempt met; absent if it met none, or if the task was not seen.
    pub leader: Option<TaskRef>,
    /// Time inside `load_module`; absent if the call did not get there.
    pub load: Option<Span>,
    /// Bytes that `kernel_read_file` read for the attempt; absent if it read none, or was not observed.
    pub read_bytes: Option<u64>,
    /// Run of the module's init function; absent if it did not run, or was not observed.
    pub init: Option<Init>,
    /// Name of the exit function of the module that is unloaded; absent if it has none, or if the kernel could not resolve it.
    pub exit_function: Option<String>,
    /// Entries and returns of the loader's functions inside the attempt, in order.
    pub trail: Vec<Mark>,
    /// Symbols that could not be resolved, or not at once, in order.
    pub symbols: Vec<SymbolLookUp>,
    /// Kernel log lines that the task wrote inside the attempt, in order.
    pub log: Vec<LogLine>,
    /// Signals that were sent to the task inside the attempt, in order.
    pub signals: Vec<Signal>,
    /// Entries and returns of the functions that were asked for by name, in order: those of this task, and those of other tasks
    /// while its init function ran.
    pub calls: Vec<CallMark>,
    /// Number of further entries and returns, which were not kept.
    pub calls_dropped: u64,
    /// Spans in which the task had no CPU, in order; recorded only with functions that were asked for by name.
    pub off_cpu: Vec<OffCpu>,
    /// Ancestors of the thread group from its grandparent on, nearest first.
    pub ancestors: Vec<Parent>,
    /// Request whose helper made the attempt; absent if no request is known.
    pub request: Option<RequestId>,
    /// Requests made inside the attempt, mostly by its init function, in order.
    pub requests: Vec<RequestId>,
    /// What is known to be missing.
    pub notes: Vec<Note>,
}

impl Attempt {
    /// A new attempt of which nothing else is known.
    #[expect(clippy::similar_names, reason = "tid and tgid are the kernel's words")]
    pub fn new(id: AttemptId, tid: Tid, tgid: Tgid) -> Self {
        Self {
            id,
            module: None,
            tid,
            tgid,
            comm: Name::default(),
            parent: None,
            uid: None,
            capable: None,
            cgroup: None,
            syscall: None,
            flags: 0,
            args_len: None,
            args: None,
            image_bytes: None,
            file: None,
            path: None,
            device: None,
            start: None,
            end: None,
            errno: None,
            role: None,
            waits: Vec::new(),
            collided_with: None,
            leader: None,
            load: None,
            read_bytes: None,
            init: None,
            exit_function: None,
            trail: Vec::new(),
            symbols: Vec::new(),
            log: Vec::new(),
            signals: Vec::new(),
            calls: Vec::new(),
            calls_dropped: 0,
            off_cpu: Vec::new(),
            ancestors: Vec::new(),
            request: None,
            requests: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// What it takes in memory: marks of 24 bytes, about. Waits, symbols, lines, calls and times without a processor are larger.
    pub fn marks(&self) -> usize {
        let larger = self.waits.len() + self.symbols.len() + self.log.len() + self.calls.len() + self.off_cpu.len();
        self.trail.len() + 4 * larger + 16
    }

    /// Time from entry to return; absent unless both were seen.
    pub fn duration(&self) -> Option<Nanos> {
        Some(self.end?.since(self.start?))
    }

    /// Whether this is a `delete_module` call. An attempt whose entry was not seen counts as a load.
    pub fn is_unload(&self) -> bool {
        self.syscall == Some(Syscall::DeleteModule)
    }

    /// Whether the call returned an error. False while it is in flight.
    pub fn failed(&self) -> bool {
        self.errno.is_some_and(|errno| errno != Errno::OK)
    }

    /// Size of the image in bytes: read from the file by the kernel, or passed to `init_module`; absent if unknown.
    pub fn bytes(&self) -> Option<u64> {
        self.read_bytes.or(self.image_bytes)
    }

    /// The first `SIGKILL` that the task got inside the attempt.
    pub fn killed(&self) -> Option<&Signal> {
        self.signals.iter().find(|signal| signal.number == Signal::KILL)
    }

    /// Reference to the task, for those that waited for it.
    pub fn task(&self) -> TaskRef {
        TaskRef {
            tid: self.tid,
            comm: self.comm.clone(),
            attempt: self.id,
        }
    }

    /// Adds a note, unless it is there.
    pub fn note(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// `its exit function x_exit [x]`; without the name where that is not known.
    pub fn exit_function_text(&self) -> String {
        let name = self.exit_function.as_deref();
        name.map_or_else(
            || "its exit function".to_owned(),
            |name| format!("its exit function {name}"),
        )
    }
}

/// Which system call an attempt is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Syscall {
    /// `init_module`
    InitModule,
    /// `finit_module`
    FinitModule,
    /// `delete_module`
    DeleteModule,
}

/// A file that a module is loaded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileId {
    /// Inode number; absent if the kernel's BTF has no offset for it.
    pub inode: Option<Inode>,
    /// Device number of the file system, as the kernel's `dev_t`.
    pub dev: u32,
    /// Last component of the path; empty if it was not read.
    pub name: Name,
}

/// What an attempt was among the loads of the same module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Its own load went ahead: nobody's duplicate, or the one that loads its inode for others.
    Leader,
    /// It waited for, or shared, the load of another task.
    Follower,
    /// It was turned away at once: the old module was LIVE or GOING.
    Refused,
}

/// A run of a module's init function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// Time from its start to its return.
    pub span: Span,
    /// Errno that the init function returned, or success, before the loader translated it; absent if the return was not seen.
    pub errno: Option<Errno>,
    /// Name of the init function; absent if the kernel could not resolve it.
    pub symbol: Option<String>,
}

/// An entry or a return of one of the loader's functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Time of the entry, return or pass.
    pub time: Ktime,
    /// Function of the loader.
    pub function: Function,
    /// Which of these it is, with the returned value.
    pub edge: Edge,
}

/// Which edge of a function was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It was entered, and its return is told too.
    Enter,
    /// It returned this: 0 or what is positive is success, else -errno. None where what it returns is no errno.
    Exit(Option<i64>),
    /// It was called: its entry or its return, the other one is not told.
    Passed,
}

/// A symbol that `resolve_symbol` did not return at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolLookUp {
    /// Time of the look-up.
    pub time: Ktime,
    /// Name of the symbol.
    pub name: Name,
    /// Module that exports it; absent if none was found.
    pub owner: Option<Name>,
    /// Result: success, or `ENOENT` if no module exports it, or why its owner could not be used.
    pub errno: Errno,
}
