//! One system call that loads or unloads a module.

use serde::{Deserialize, Serialize};

use super::call::{CallMark, OffCpu};
use super::errno::Errno;
use super::function::Function;
use super::ids::{AttemptId, RequestId};
use super::log::LogLine;
use super::note::Note;
use super::span::Span;
use super::task::{Parent, TaskRef};
use super::units::{Inode, Ktime, Nanos, Tgid, Tid};
use super::wait::{Collision, Wait};

/// One `init_module`, `finit_module` or `delete_module` call by one task, from entry to return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number.
    pub id: AttemptId,
    /// The best name known: as the image or the loader has it, else after the file, else none.
    pub module: Option<String>,
    /// The task.
    pub tid: Tid,
    /// Its thread group.
    pub tgid: Tgid,
    /// The task's name; empty when the entry was not seen.
    pub comm: String,
    /// Who started it.
    pub parent: Option<Parent>,
    /// cgroup v2 id.
    pub cgroup: Option<u64>,
    /// Which call; none when the entry was not seen.
    pub syscall: Option<Syscall>,
    /// `flags` of `finit_module` or `delete_module`.
    pub flags: u32,
    /// Length of the argument string in bytes.
    pub args_len: Option<u32>,
    /// `len` of `init_module` in bytes.
    pub image_bytes: Option<u64>,
    /// The file that it is loaded from.
    pub file: Option<FileId>,
    /// Entry; none when it was not seen.
    pub start: Option<Ktime>,
    /// Return; none while in flight, or when it was not seen.
    pub end: Option<Ktime>,
    /// What the caller got.
    pub errno: Option<Errno>,
    /// What it was among the loads of the same module.
    pub role: Option<Role>,
    /// Where it slept because of somebody else, in order.
    pub waits: Vec<Wait>,
    /// The first old module, or load of the same inode, that stood in its way.
    pub collided_with: Option<Collision>,
    /// Whose load or unload that was, where it was seen.
    pub leader: Option<TaskRef>,
    /// Inside `load_module`.
    pub load: Option<Span>,
    /// Bytes that `kernel_read_file` read for it.
    pub read_bytes: Option<u64>,
    /// The module's init function.
    pub init: Option<Init>,
    /// Every function that it was seen to enter or leave, in order.
    pub trail: Vec<Mark>,
    /// Symbols that could not be resolved, or not at once, in order.
    pub symbols: Vec<SymbolLookUp>,
    /// Lines that the task wrote to the kernel log meanwhile.
    pub log: Vec<LogLine>,
    /// Entries and returns of functions that were asked for by name, in order: its own, and those of other tasks while its init
    /// function ran.
    pub calls: Vec<CallMark>,
    /// More of them, which were not kept.
    pub calls_dropped: u64,
    /// When its task had no processor, in order. Only told where functions were asked for by name.
    pub off_cpu: Vec<OffCpu>,
    /// Who started the parent, and so on, the nearest first.
    pub ancestors: Vec<Parent>,
    /// The request whose helper makes this attempt.
    pub request: Option<RequestId>,
    /// Requests made inside it, mostly by its init function, in order.
    pub requests: Vec<RequestId>,
    /// What is known to be missing.
    pub notes: Vec<Note>,
}

impl Attempt {
    /// One of which nothing is known yet.
    #[expect(clippy::similar_names, reason = "tid and tgid are the kernel's words")]
    pub fn new(id: AttemptId, tid: Tid, tgid: Tgid) -> Self {
        Self {
            id,
            module: None,
            tid,
            tgid,
            comm: String::new(),
            parent: None,
            cgroup: None,
            syscall: None,
            flags: 0,
            args_len: None,
            image_bytes: None,
            file: None,
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
            trail: Vec::new(),
            symbols: Vec::new(),
            log: Vec::new(),
            calls: Vec::new(),
            calls_dropped: 0,
            off_cpu: Vec::new(),
            ancestors: Vec::new(),
            request: None,
            requests: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// From entry to return, when both were seen.
    pub fn duration(&self) -> Option<Nanos> {
        Some(self.end?.since(self.start?))
    }

    /// Whether it unloads; everything else loads, also an attempt whose entry was not seen.
    pub fn is_unload(&self) -> bool {
        self.syscall == Some(Syscall::DeleteModule)
    }

    /// Whether it ended, and not with a module in the kernel.
    pub fn failed(&self) -> bool {
        self.errno.is_some_and(|errno| errno != Errno::OK)
    }

    /// Bytes of the image: read from the file by the kernel, or handed over by `init_module`.
    pub fn bytes(&self) -> Option<u64> {
        self.read_bytes.or(self.image_bytes)
    }

    /// How others refer to it.
    pub fn task(&self) -> TaskRef {
        TaskRef {
            tid: self.tid,
            comm: self.comm.clone(),
            attempt: self.id,
        }
    }

    /// Adds a note once.
    pub fn note(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
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
    /// Inode; none when the kernel gave no offsets.
    pub inode: Option<Inode>,
    /// The kernel's `dev_t` of its file system.
    pub dev: u32,
    /// Last component of its path; empty when it was not read.
    pub name: String,
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
    /// When.
    pub span: Span,
    /// Its own error, before the loader made something else of it.
    pub errno: Option<Errno>,
    /// Its symbol.
    pub symbol: Option<String>,
}

/// A function was entered, left, or passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub time: Ktime,
    /// Which function.
    pub function: Function,
    /// Which edge of it.
    pub edge: Edge,
}

/// What is told of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It was entered, and its return is told too.
    Enter,
    /// It returned this: 0 or what is positive is success, else -errno. None where what it returns is no errno.
    Exit(Option<i64>),
    /// It was called: its entry or its return, the other one is not told.
    Passed,
}

/// A symbol that `resolve_symbol` did not give at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolLookUp {
    /// When.
    pub time: Ktime,
    /// Its name.
    pub name: String,
    /// The module that exports it, where one was found.
    pub owner: Option<String>,
    /// Success after all, or why not: `ENOENT` for nothing found.
    pub errno: Errno,
}
