//! The model of a request: `request_module(name)`, from the task that asked to what came back, and what became of that.

use super::errno::Errno;
use super::ids::{AttemptId, RequestId};
use super::log::LogLine;
use super::name::Name;
use super::note::Note;
use super::span::Span;
use super::task::Parent;
use super::units::{Ktime, Tgid, Tid};

/// Slots for requests with a modprobe of their own: `MAX_KMOD_CONCURRENT` (kernel/kmod.c, the same in 5.10 to 7.2).
pub const SLOTS: usize = 50;

/// One call of `__request_module` (kernel/module/kmod.c, kernel/kmod.c before 6.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number.
    pub id: RequestId,
    /// What is requested: a module's name or an alias, as `fs-xfs`.
    pub name: Name,
    /// The task that asks.
    pub tid: Tid,
    /// Its thread group.
    pub tgid: Tgid,
    /// Its name; empty when the beginning was not seen.
    pub comm: Name,
    /// Who started it.
    pub parent: Option<Parent>,
    /// Whether the task is a kernel thread; none when it was not read.
    pub kernel_thread: Option<bool>,
    /// The work function of a kworker.
    pub work: Option<String>,
    /// The attempt inside which the request is made, mostly by an init function.
    pub inside: Option<AttemptId>,
    /// The function that called `__request_module`.
    pub call_site: Option<String>,
    /// The kernel stack, innermost first, where it was asked for.
    pub stack: Vec<String>,
    /// Beginning; none when it was not seen.
    pub start: Option<Ktime>,
    /// When `__request_module` had its answer; none while it lasts, or when that was not seen.
    pub end: Option<Ktime>,
    /// The security module's refusal.
    pub refused: Option<Errno>,
    /// The wait for a slot, where there was one.
    pub slot: Option<SlotWait>,
    /// When it had a slot (the tracepoint `module_request`).
    pub granted: Option<Ktime>,
    /// The wait for the same request of another task (`CONFIG_MODULE_DEBUG_AUTOLOAD_DUPS`).
    pub duplicate: Option<Span>,
    /// Whether the requester waits for the helper (`request_module`) or not (`request_module_nowait`).
    pub waits: Option<bool>,
    /// The helper that ran for it.
    pub helper: Option<Helper>,
    /// What `__request_module` returned: 0, -errno, or the wait status of the helper (256 is exit 1).
    pub ret: Option<i64>,
    /// What the caller of `__request_module` made of it, where that is seen.
    pub caller: Option<Caller>,
    /// Lines that the task wrote to the kernel log meanwhile.
    pub log: Vec<LogLine>,
    /// What is known to be missing.
    pub notes: Vec<Note>,
}

impl Request {
    /// What it takes in memory, as [`Attempt::marks`](super::Attempt::marks) counts.
    pub(crate) fn marks(&self) -> usize {
        4 * self.log.len() + 16
    }

    /// Whether it ended, and not with a module.
    pub fn failed(&self) -> bool {
        self.ret.is_some_and(|ret| ret != 0)
    }

    /// Whether it succeeded, and its caller did not find what it had asked for.
    pub fn got_nothing(&self) -> bool {
        self.ret == Some(0) && self.caller.as_ref().is_some_and(|caller| !caller.found)
    }

    /// Whether it has one of the slots at this moment.
    pub fn holds_slot(&self, at: Ktime) -> bool {
        self.granted.is_some_and(|granted| granted <= at) && self.end.is_none_or(|end| end > at)
    }
}

/// A wait for one of the [`SLOTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotWait {
    /// When. 6.4 and later tell it also when a slot was free at once; such a wait is not kept.
    pub span: Span,
    /// What came of it: `ETIME` after five seconds, `ERESTARTSYS` for a fatal signal (up to 6.3), none for a slot.
    pub errno: Option<Errno>,
    /// Requests that held a slot when it began, as far as they were seen.
    pub held: u32,
}

/// A user-mode helper (kernel/umh.c): modprobe, or what `/proc/sys/kernel/modprobe` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// What was to run.
    pub path: String,
    /// `call_usermodehelper_exec` in the requester.
    pub span: Span,
    /// When a kworker took it up: until then it was queued.
    pub taken_up: Option<Ktime>,
    /// When its task began: until then it was forked.
    pub forked: Option<Ktime>,
    /// When it began to run its program.
    pub runs: Option<Ktime>,
    /// Its thread group.
    pub tgid: Option<Tgid>,
    /// Every program that it and what descends from it ran, in order.
    pub programs: Vec<String>,
    /// When it ended.
    pub ended: Option<Ktime>,
    /// Its wait status as it exited.
    pub status: Option<i64>,
    /// The attempts that it and what descends from it made, in order of their beginning.
    pub attempts: Vec<AttemptId>,
}

/// What a caller of `__request_module` made of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The function: `get_fs_type`.
    pub function: &'static str,
    /// Whether it gave what it was asked for; otherwise it returned NULL, and no errno.
    pub found: bool,
    /// Who called it.
    pub called_by: Option<String>,
    /// When it returned.
    pub time: Ktime,
}

/// What `__request_module` returned, in words: `OK`, an errno, or what the helper's wait status says.
pub fn ret_text(ret: i64) -> String {
    match ret {
        0 => "OK".to_owned(),
        ..0 => Errno::from_ret(ret).name().into_owned(),
        status if status & 0x7f != 0 => format!("killed by signal {}", status & 0x7f),
        status => format!("exit {}", status >> 8 & 0xff),
    }
}
