//! One request in flight: what its records add up to (`__request_module`, kernel/module/kmod.c).

use crate::kernel::log::is_of_request;
use crate::model::{
    AttemptId, Caller, Errno, Helper, Ktime, LogLine, Name, Nanos, Note, Parent, Request, RequestId, SlotWait, Span,
    Tgid, Tid,
};
use crate::records::event::{Fact, Granted, RequestBegin};

/// Lines, programs and attempts kept of one request, each.
const KEPT: usize = 1024;

/// 6.4 and later ask the semaphore for every slot. A task that had one after less than this did not sleep for it.
const SLEPT: Nanos = Nanos(1_000_000);

/// `MAX_KMOD_ALL_BUSY_TIMEOUT` is 5 s of ticks. Where a hypervisor starves its guest, those catch up in a hurry, and 5 s
/// become 4.8.
const ALL_BUSY_TIMEOUT: Nanos = Nanos(4_500_000_000);

/// The errno of that time-out.
const ETIME: Errno = Errno(62);

/// `UMH_WAIT_PROC` of include/linux/umh.h: the requester waits for the helper's end, not only for its start.
const UMH_WAIT_PROC: i64 = 2;

/// A request in flight.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) request: Request,
    /// When the last of its records was seen.
    pub(super) active: Ktime,
    /// What the helper runs on, as long as it was not seen to begin.
    pub(super) sub_info: Option<u64>,
    /// When it is handed out, whatever is missing.
    pub(super) deadline: Option<Ktime>,
    /// `get_fs_type` asks.
    in_fs_type: bool,
    /// It has its answer; when, the request tells.
    answered: Option<Ktime>,
    /// The session's count of losses when it began.
    losses: u64,
}

impl Open {
    /// A request whose beginning was not seen, so far.
    pub(super) fn new(id: RequestId, tid: Tid, tgid: Tgid, time: Ktime, losses: u64) -> Self {
        let request = Request {
            id,
            name: Name::default(),
            tid,
            tgid,
            comm: Name::default(),
            parent: None,
            kernel_thread: None,
            work: None,
            inside: None,
            call_site: None,
            stack: Vec::new(),
            start: None,
            end: None,
            refused: None,
            slot: None,
            granted: None,
            duplicate: None,
            waits: None,
            helper: None,
            ret: None,
            caller: None,
            log: Vec::new(),
            notes: Vec::new(),
        };
        Self {
            request,
            active: time,
            sub_info: None,
            deadline: None,
            in_fs_type: false,
            answered: None,
            losses,
        }
    }

    /// Its beginning.
    pub(super) fn begin(&mut self, time: Ktime, begin: RequestBegin, inside: Option<AttemptId>) {
        let RequestBegin {
            name,
            comm,
            kernel_thread,
            parent,
            work,
            in_attempt: _,
            in_fs_type,
        } = begin;
        let request = &mut self.request;
        request.name = name;
        request.comm = comm;
        request.kernel_thread = kernel_thread;
        request.parent = parent.map(|(tgid, comm)| Parent { tgid, comm });
        request.work = work;
        request.inside = inside;
        request.start = Some(time);
        self.in_fs_type = in_fs_type;
    }

    /// What the requester does. `held` are the requests that have a slot now.
    pub(super) fn asked(&mut self, time: Ktime, fact: Fact, held: u32) {
        match fact {
            Fact::RequestSecurity(ret) if ret != 0 => {
                self.request.refused = Some(Errno::from_ret(ret));
                self.answer(time, Some(ret));
            }
            Fact::Stack(frames) => self.request.stack = frames,
            Fact::SlotEnter => self.slot_enter(time, held),
            Fact::SlotExit(ret) => self.slot_exit(time, ret),
            Fact::SlotGivenUp => self.slot_given_up(time),
            Fact::RequestGranted(Granted { waits, call_site }) => {
                self.request.granted = Some(time);
                self.request.waits = Some(waits);
                self.request.call_site = call_site;
                self.end_slot(time);
            }
            Fact::DupRequestEnter => self.request.duplicate = Some(Span::from(time)),
            Fact::DupRequestExit(shared) => {
                if let Some(span) = &mut self.request.duplicate {
                    span.end = Some(time);
                }
                if shared {
                    // The other one's answer, which is not told here.
                    self.answer(time, None);
                }
            }
            Fact::HelperExit(ret) => {
                if let Some(helper) = &mut self.request.helper {
                    helper.span.end = Some(time);
                }
                self.answer(time, Some(ret));
            }
            _ => {}
        }
    }

    fn slot_enter(&mut self, time: Ktime, held: u32) {
        self.request.slot.get_or_insert(SlotWait {
            span: Span::from(time),
            errno: None,
            held,
        });
    }

    /// The wait for a slot, which began with the request where its own beginning was not seen.
    fn slot(&mut self) -> Option<SlotWait> {
        let since = self.request.start;
        self.request.slot.or_else(|| {
            Some(SlotWait {
                span: Span::from(since?),
                errno: None,
                held: 0,
            })
        })
    }

    fn slot_exit(&mut self, time: Ktime, ret: i64) {
        let span = |start| Span { start, end: Some(time) };
        if ret < 0 {
            let errno = Some(Errno::from_ret(ret));
            self.request.slot = self.slot().map(|slot| SlotWait {
                span: span(slot.span.start),
                errno,
                ..slot
            });
            self.answer(time, Some(ret));
        } else {
            let slept = self.request.slot.filter(|slot| time.since(slot.span.start) > SLEPT);
            self.request.slot = slept.map(|slot| SlotWait {
                span: span(slot.span.start),
                ..slot
            });
        }
    }

    /// No errno is told: after its time it is the one, before it a fatal signal came.
    fn slot_given_up(&mut self, time: Ktime) {
        let Some(mut slot) = self.slot() else {
            return self.answer(time, None);
        };
        let errno = if time.since(slot.span.start) >= ALL_BUSY_TIMEOUT {
            ETIME
        } else {
            Errno::ERESTARTSYS
        };
        slot.span.end = Some(time);
        slot.errno = Some(errno);
        self.request.slot = Some(slot);
        self.answer(time, Some(-i64::from(errno.0)));
    }

    fn end_slot(&mut self, time: Ktime) {
        if let Some(slot) = &mut self.request.slot {
            slot.span.end.get_or_insert(time);
        }
    }

    pub(super) fn helper_enter(&mut self, time: Ktime, wait: i64, path: String) {
        self.request.waits.get_or_insert(wait & UMH_WAIT_PROC != 0);
        self.request.helper = Some(Helper {
            path,
            span: Span::from(time),
            taken_up: None,
            forked: None,
            runs: None,
            tgid: None,
            programs: Vec::new(),
            ended: None,
            status: None,
            attempts: Vec::new(),
        });
    }

    /// A task of its helper runs a program.
    pub(super) fn runs(&mut self, time: Ktime, tgid: Tgid, path: String) {
        self.active = time;
        let Some(helper) = &mut self.request.helper else { return };
        if helper.tgid == Some(tgid) {
            helper.runs.get_or_insert(time);
        }
        if helper.programs.len() < KEPT {
            helper.programs.push(path);
        } else {
            self.request_note(Note::InnerMissing);
        }
    }

    /// A task of its helper makes an attempt.
    pub(super) fn attempt(&mut self, attempt: AttemptId) {
        let Some(helper) = &mut self.request.helper else { return };
        if helper.attempts.len() < KEPT {
            helper.attempts.push(attempt);
        } else {
            self.request_note(Note::InnerMissing);
        }
    }

    /// `get_fs_type` returned: at the latest now the request is over.
    pub(super) fn caller(&mut self, time: Ktime, found: bool, called_by: Option<String>) {
        if self.sleeps_for_slot() {
            // It never had one: __request_module returns from there only when it gives up.
            self.slot_given_up(time);
        } else {
            self.give_up(time);
        }
        self.request.caller = Some(Caller {
            function: "get_fs_type",
            found,
            called_by,
            time,
        });
    }

    /// It waits for a slot, and nothing that comes behind it was seen.
    fn sleeps_for_slot(&self) -> bool {
        let Request {
            slot, granted, helper, ..
        } = &self.request;
        let waits = slot.is_some_and(|slot| slot.span.end.is_none());
        waits && granted.is_none() && helper.is_none() && !self.is_answered()
    }

    /// A line of the requester; given back when it is not of this request. Behind the answer only the request's own
    /// words are.
    pub(super) fn log(&mut self, time: Ktime, text: String) -> Option<String> {
        if self.is_answered() && !is_of_request(&text) {
            return Some(text);
        }
        if self.request.log.len() < KEPT {
            self.request.log.push(LogLine { time, text });
        } else {
            self.request_note(Note::InnerMissing);
        }
        None
    }

    /// The requester does something else: the request is over, and its answer was not seen.
    pub(super) fn give_up(&mut self, time: Ktime) {
        if self.is_answered() {
            return;
        }
        let since = self.request.slot.map(|slot| slot.span.start);
        if self.sleeps_for_slot() && since.is_some_and(|since| time.since(since) >= ALL_BUSY_TIMEOUT) {
            // No slot in all that time; when exactly it gave up was not seen.
            self.slot_given_up(time);
        } else {
            self.end_slot(time);
            self.answered = Some(time);
        }
        self.request_note(Note::ExitNotSeen);
    }

    fn answer(&mut self, time: Ktime, ret: Option<i64>) {
        self.answered = Some(time);
        self.request.end = Some(time);
        self.request.ret = ret;
    }

    /// Whether the requester has its answer, or went on without one that was seen.
    pub(super) fn is_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// When that was.
    pub(super) fn ended(&self) -> Option<Ktime> {
        self.answered
    }

    /// The return of `get_fs_type` is still to come.
    pub(super) fn awaits_caller(&self) -> bool {
        self.in_fs_type && self.request.caller.is_none()
    }

    /// Nobody waits for its helper, which has not ended.
    pub(super) fn awaits_helper(&self) -> bool {
        let runs = self
            .request
            .helper
            .as_ref()
            .is_some_and(|helper| helper.ended.is_none());
        self.request.waits == Some(false) && self.request.ret == Some(0) && runs
    }

    /// It got no slot, and the kernel may say so.
    pub(super) fn awaits_line(&self) -> bool {
        self.request.slot.is_some_and(|slot| slot.errno.is_some()) && self.request.caller.is_none()
    }

    /// The requester was killed: its helper may still begin (`UMH_KILLABLE`, kernel/umh.c).
    pub(super) fn leaves_its_helper(&self) -> bool {
        let begun = self
            .request
            .helper
            .as_ref()
            .is_some_and(|helper| helper.forked.is_some());
        self.request.ret == Some(-i64::from(Errno::ERESTARTSYS.0)) && !begun
    }

    /// Something of it is still to come, a line aside.
    pub(super) fn awaits(&self) -> bool {
        !self.is_answered() || self.awaits_caller() || self.awaits_helper()
    }

    pub(super) fn request_note(&mut self, note: Note) {
        if !self.request.notes.contains(&note) {
            self.request.notes.push(note);
        }
    }

    /// The request as it is handed out.
    pub(super) fn finish(mut self, losses: u64) -> Request {
        if self.awaits() && !self.request.notes.contains(&Note::InFlight) {
            let answered = self.is_answered();
            self.request_note(if answered {
                Note::InnerMissing
            } else {
                Note::ExitNotSeen
            });
        }
        if self.request.start.is_none() {
            self.request_note(Note::EntryNotSeen);
        }
        if self.losses != losses {
            self.request_note(Note::RecordsLost);
        }
        self.request
    }
}
