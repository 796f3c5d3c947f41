//! One decoded record: what a front end of the pipeline works with, whether it came from a ring or from a file.

use crate::model::{
    Device, FileId, Function, Ktime, ModuleAddress, ModuleState, Name, Refused, Syscall, Tgid, Tid, WaitStatus,
};

/// A record with its common part decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it was seen.
    pub time: Ktime,
    /// Which task was running.
    pub tid: Tid,
    /// Its thread group.
    pub tgid: Tgid,
    /// Which CPU wrote it.
    pub cpu: u32,
    /// Its number on that CPU, from 1; 0 for what user space made.
    pub seq: u64,
    /// What was seen.
    pub fact: Fact,
}

/// What was seen. The variants are the kinds of `kmodtrace_common::kind`, which say where each rests in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// A system call was entered.
    AttemptEnter(Box<AttemptEnter>),
    /// It returned: 0 or -errno.
    AttemptExit(i64),
    /// Reading of a file began.
    ReadEnter(FileId),
    /// Bytes read or -errno.
    ReadExit(i64),
    /// The same-inode path was entered.
    IdempotentEnter(FileId),
    /// It returned.
    IdempotentExit(i64),
    /// This task leads the load of its inode.
    LeaderEnter,
    /// `load_module` entered.
    LoadEnter,
    /// `load_module` returned.
    LoadExit(i64),
    /// The name as the image has it.
    ModuleName(Name),
    /// The look-up of an old module of this name.
    FindModule(ModuleRef),
    /// The same-name wait began.
    WaitBegin(Name),
    /// It ended, after so many calls of `finished_loading`; the module as the last one found it.
    WaitEnd(WaitEnd),
    /// `do_init_module` entered.
    DoInitEnter(ModuleRef),
    /// `do_init_module` returned.
    DoInitExit(i64),
    /// The init function starts. No symbol where the kernel could not tell it.
    InitStart(Option<String>),
    /// The exit function of the module that `delete_module` found. No symbol where the kernel could not tell it.
    ExitFunction(Option<String>),
    /// Calls of a user and program that were only counted so far.
    Refused(Refused),
    /// A function that was asked for was entered.
    CallEnter(CallEnter),
    /// It returned: its place in the list of the recording's header, and what it returned.
    CallExit(u32, i64),
    /// The task, which is inside an attempt, lost the processor, to one that had to run or because it went to sleep.
    SwitchOut {
        /// Whether it could have gone on.
        preempted: bool,
    },
    /// It got the processor.
    SwitchIn,
    /// The init function returned.
    InitEnd(i64),
    /// `async_synchronize_full` entered.
    AsyncEnter,
    /// `async_synchronize_full` returned.
    AsyncExit,
    /// The notifiers are told this state.
    ModuleState(ModuleRef),
    /// GOING has ended, the module is UNFORMED again.
    Teardown(ModuleRef),
    /// `free_module` entered.
    FreeEnter(ModuleRef),
    /// `free_module` returned.
    FreeExit(ModuleAddress),
    /// `add_unformed_module` entered.
    AddUnformedEnter(ModuleRef),
    /// `add_unformed_module` returned.
    AddUnformedExit(i64),
    /// The file of an attempt that never came to read it.
    File(FileId),
    /// Length of the argument string, where it could not be read at the entry.
    Arguments(u32),
    /// The loader's ancestors, from its grandparent on.
    Ancestors(Vec<(Tgid, Name)>),
    /// Who makes the system call.
    Caller {
        /// Effective user, as the initial namespace numbers it; none when it was not read.
        uid: Option<u32>,
        /// Whether the task has `CAP_SYS_MODULE` in the initial namespace; none when that was not read.
        capable: Option<bool>,
    },
    /// Where its file lies; empty where nothing of that has a name.
    Path(String),
    /// The argument string.
    ArgumentString(String),
    /// The device that the task, a worker of udev, handles; none where that could not be read.
    Uevent(Option<Box<Device>>),
    /// A signal is sent to the task.
    Signal(SignalSent),
    /// A function of the loader was entered.
    Enter(Function),
    /// It returned: 0, -errno, or something positive.
    Exit(Function, i64),
    /// It was passed: only one edge is told, and no value.
    Passed(Function),
    /// A symbol was not resolved, or at last.
    Symbol(SymbolFact),
    /// The slow path of `module_mutex` was entered; who holds it, where that could be read.
    MutexEnter(Option<OtherTask>),
    /// A line of the kernel log.
    Printk(String),
    /// A task requests a module.
    RequestBegin(Box<RequestBegin>),
    /// The security module's say: 0 or -errno.
    RequestSecurity(i64),
    /// No slot was free, or one is asked for.
    SlotEnter,
    /// The semaphore's answer: 0 or -errno.
    SlotExit(i64),
    /// The task gave up waiting for a slot.
    SlotGivenUp,
    /// The task has a slot.
    RequestGranted(Granted),
    /// A helper is to run.
    HelperEnter(HelperEnter),
    /// The requester has its answer: 0, -errno or a wait status.
    HelperExit(i64),
    /// A kworker took up the helper of this `subprocess_info`.
    HelperWork(u64),
    /// This task is the helper of this `subprocess_info`.
    HelperTask(u64),
    /// A task of a helper made another.
    HelperFork(OtherTask),
    /// A task of a helper began to run this program.
    HelperRuns(String),
    /// A task of a helper ended with this wait status.
    HelperEnd(i64),
    /// `get_fs_type` returned: whether it found the file system, and who had called it.
    FsTypeExit {
        /// False for NULL.
        found: bool,
        /// The symbol of its caller.
        called_by: Option<String>,
    },
    /// The stack of a requester, innermost first.
    Stack(Vec<String>),
    /// The task may share the request of another one.
    DupRequestEnter,
    /// Whether it did.
    DupRequestExit(bool),
    /// The counters as user space read them.
    Tick(Counters),
    /// The last record of a recording that was ended properly.
    Trailer(Counters),
    /// The command that is run under the tracer ended.
    CommandEnd(WaitStatus),
    /// Where a cgroup is in the hierarchy.
    Cgroup {
        /// cgroup v2 id.
        id: u64,
        /// From the root on.
        path: String,
    },
    /// A kind that this build does not know.
    Unknown(u16),
}

/// A system call's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptEnter {
    /// Which call; none for a number that this build does not know.
    pub syscall: Option<Syscall>,
    /// Its `flags`.
    pub flags: u32,
    /// `fd` of `finit_module`.
    pub fd: Option<i32>,
    /// `len` of `init_module`, in bytes.
    pub image_bytes: Option<u64>,
    /// Length of the module's argument string, capped at 4,095; none when it was not read.
    pub args_len: Option<u32>,
    /// cgroup v2 id.
    pub cgroup_id: u64,
    /// Thread group of the parent; none when it was not read.
    pub parent_tgid: Option<Tgid>,
    /// The task's name.
    pub comm: Name,
    /// The parent's name; empty when it was not read.
    pub parent_comm: Name,
    /// The name given to `delete_module`.
    pub module: Option<Name>,
}

/// A module as a record names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleRef {
    /// Its address; none when there was no module.
    pub address: Option<ModuleAddress>,
    /// Its state; none when there was no module, or no offset to read it.
    pub state: Option<ModuleState>,
    /// Its name.
    pub name: Name,
}

/// Counters of the BPF side, growing since the tracer started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records that found no room in the ring.
    pub dropped: u64,
    /// Probe hits that the kernel skipped.
    pub missed: u64,
    /// Attempts whose inner records are missing because a map was full.
    pub clipped: u64,
}

/// The end of a same-name wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitEnd {
    /// The module as the last check found it.
    pub last: ModuleRef,
    /// Calls of `finished_loading`: one before the task queues itself, one before it sleeps, one for each wake-up.
    pub checks: u32,
}

/// The entry of a function that was asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEnter {
    /// Its place in the list of the recording's header.
    pub function: u32,
    /// Where it lies. Only how far places are apart means something.
    pub at: u64,
    /// Where it will return to.
    pub from: u64,
}

/// What became of a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolFact {
    /// -errno, or 0 when it was found at last.
    pub ret: i64,
    /// Its name.
    pub name: Name,
    /// The module that exports it.
    pub owner: Option<Name>,
}

/// A signal that is sent to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalSent {
    /// Its number.
    pub number: u32,
    /// Thread group of the task that ran.
    pub sender_tgid: Tgid,
    /// That task's name.
    pub sender_comm: Name,
}

/// A task other than the one that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherTask {
    /// The task.
    pub tid: Tid,
    /// Its thread group.
    pub tgid: Tgid,
    /// Its name.
    pub comm: Name,
}

/// The beginning of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestBegin {
    /// What is requested.
    pub name: Name,
    /// The task's name.
    pub comm: Name,
    /// Whether it is a kernel thread; none when that was not read.
    pub kernel_thread: Option<bool>,
    /// Its parent; none when it was not read.
    pub parent: Option<(Tgid, Name)>,
    /// The function that a kworker runs.
    pub work: Option<String>,
    /// Made inside a module system call of this task.
    pub in_attempt: bool,
    /// Made by `get_fs_type`, whose return is told.
    pub in_fs_type: bool,
}

/// A slot for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Whether the requester waits for the helper.
    pub waits: bool,
    /// The caller of `__request_module`.
    pub call_site: Option<String>,
}

/// A helper that is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelperEnter {
    /// Stands for its `subprocess_info`.
    pub sub_info: u64,
    /// `UMH_*` (include/linux/umh.h): 0 is not waited for.
    pub wait: i64,
    /// Its path.
    pub path: String,
}
