//! The model: what a system call that loads or unloads a module did, and what became of the module.

use serde::{Deserialize, Serialize};

use crate::errno::Errno;
use crate::event::{FileId, Syscall};
use crate::function::Function;
use crate::request::{Request, RequestId};
use crate::state::ModuleState;
use crate::units::{Ktime, ModuleAddress, Nanos, Tgid, Tid};

/// Numbers attempts in the order in which they were first seen, from 1.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct AttemptId(pub u64);

/// A task in the middle of an attempt: whom somebody waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRef {
    /// The task.
    pub tid: Tid,
    /// Its name; empty when its entry was not seen.
    pub comm: String,
    /// What it was doing.
    pub attempt: AttemptId,
}

/// Who started the thread group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its thread group.
    pub tgid: Tgid,
    /// Its name.
    pub comm: String,
}

/// A span of time. The end is missing while it lasts, or when its record was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First instant.
    pub start: Ktime,
    /// Last instant.
    pub end: Option<Ktime>,
}

impl Span {
    /// Begins now.
    pub fn from(start: Ktime) -> Self {
        Self { start, end: None }
    }

    /// How long it was, once it is over.
    pub fn duration(self) -> Option<Nanos> {
        Some(self.end?.since(self.start))
    }
}

/// The entry or return of a function that was asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallMark {
    /// When.
    pub time: Ktime,
    /// In which task.
    pub tid: Tid,
    /// Its place in the list of functions of the recording's header.
    pub function: u32,
    /// Which of both.
    pub edge: CallEdge,
}

/// The entry or the return of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEdge {
    /// Its entry.
    Enter {
        /// Where the function lies. Only how far places are apart means something.
        at: u64,
        /// Where it will return to.
        from: u64,
    },
    /// Its return, and the register that it returned; none where that may hold an address.
    Exit(Option<i64>),
}

/// When the task had no processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffCpu {
    /// When.
    pub span: Span,
    /// Whether it could have gone on; else it slept.
    pub preempted: bool,
}

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

/// Why a task slept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitKind {
    /// Another task loads the same inode (`idempotent_init_module`, 6.5 and later); it shares that one's result.
    SameInode,
    /// A module of this name is being set up or, before 6.2, going away (`finished_loading`).
    SameName,
    /// A module that this one needs is still COMING (`resolve_symbol_wait`, 30 s at most).
    Dependency,
    /// `module_mutex`; watched on demand.
    Mutex,
    /// A grace period of RCU (`synchronize_rcu`), on the ways of error and unload mostly with `module_mutex` held.
    Rcu,
    /// All asynchronous work of the system (`async_synchronize_full`).
    Async,
    /// A request for another module, made inside the attempt.
    Request,
}

impl WaitKind {
    /// All kinds, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::SameInode,
        Self::SameName,
        Self::Dependency,
        Self::Mutex,
        Self::Rcu,
        Self::Async,
        Self::Request,
    ];

    /// As reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SameInode => "same-inode",
            Self::SameName => "same-name",
            Self::Dependency => "dependency",
            Self::Mutex => "mutex",
            Self::Rcu => "rcu",
            Self::Async => "async",
            Self::Request => "request",
        }
    }
}

/// A span in which a task slept because of somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Why.
    pub kind: WaitKind,
    /// When. A wait whose own end was not seen, as that of a killed waiter, ends with what encloses it.
    pub span: Span,
    /// For whom, where it was seen.
    pub on: Option<TaskRef>,
    /// For which module, where it is not the attempt's own: the one that exports a symbol, or what is requested.
    pub module: Option<String>,
    /// How often `finished_loading` looked; same-name waits only, none when the end was not seen.
    pub checks: Option<u32>,
}

impl Wait {
    /// Wake-ups, the last one included. `wait_event_interruptible` checks once before the task queues itself and once
    /// before it sleeps.
    pub fn wakeups(&self) -> Option<u32> {
        Some(self.checks?.saturating_sub(2))
    }

    /// Wake-ups for nothing: `module_wq` is one queue for all modules.
    pub fn spurious(&self) -> Option<u32> {
        Some(self.checks?.saturating_sub(3))
    }
}

/// What stood in the way of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Collision {
    /// A module of this name that is being set up, or freed.
    Unformed,
    /// A module of this name whose init function runs or is about to.
    Coming,
    /// A module of this name that goes away.
    Going,
    /// A module of this name in use.
    Live,
    /// A load of the same inode.
    InFlight,
}

impl Collision {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 5] = [Self::Unformed, Self::Coming, Self::Going, Self::Live, Self::InFlight];

    /// As the kernel and reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unformed => "UNFORMED",
            Self::Coming => "COMING",
            Self::Going => "GOING",
            Self::Live => "LIVE",
            Self::InFlight => "IN_FLIGHT",
        }
    }
}

impl From<ModuleState> for Collision {
    fn from(state: ModuleState) -> Self {
        match state {
            ModuleState::Unformed => Self::Unformed,
            ModuleState::Coming => Self::Coming,
            ModuleState::Going => Self::Going,
            ModuleState::Live => Self::Live,
        }
    }
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

/// What is known to be missing from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// It began before tracing did, or its entry was lost.
    EntryNotSeen,
    /// The same task entered again, or too many attempts were open: the return was lost.
    ExitNotSeen,
    /// It had not returned when the events ended.
    InFlight,
    /// Something inside it began without an end, ended without a beginning, or is not there at all.
    InnerMissing,
    /// Records were lost while it ran; they may have been its own or others'.
    RecordsLost,
}

impl Note {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::EntryNotSeen => "entry not seen",
            Self::ExitNotSeen => "exit not seen",
            Self::InFlight => "still in flight",
            Self::InnerMissing => "inner records missing",
            Self::RecordsLost => "records lost meanwhile",
        }
    }
}

/// A module was in one state for this long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSpan {
    /// Its name.
    pub module: String,
    /// Its address, where it was told.
    pub address: Option<ModuleAddress>,
    /// The state. UNFORMED is both before COMING and after GOING.
    pub state: ModuleState,
    /// When; without an end for a state that lasted when the events ended.
    pub span: Span,
    /// For GOING: why.
    pub cause: Option<GoingCause>,
}

/// Why a module became GOING.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoingCause {
    /// `delete_module`.
    Unload,
    /// Its load failed after COMING, mostly in its init function.
    FailedLoad,
}

/// What a session hands out as soon as it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// An attempt returned.
    Attempt(Box<Attempt>),
    /// A module left a state.
    State(StateSpan),
    /// A request for a module has its answer, and its caller too where that is seen.
    Request(Box<Request>),
    /// A function that was asked for by name was entered or left, and no load was there that it belongs to.
    Call(CallMark),
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

/// A line of the kernel log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub time: Ktime,
    /// What it says, without level and line feed.
    pub text: String,
}
