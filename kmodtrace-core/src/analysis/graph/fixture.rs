//! Sessions made by hand, for the tests of what is made of them.

use crate::model::{
    Attempt, AttemptId, Errno, Helper, Init, Ktime, Note, Request, RequestId, Role, SlotWait, Span, Syscall, TaskRef,
    Tgid, Tid, Wait, WaitKind,
};

/// A millisecond, the unit of these stories.
pub(crate) const MS: u64 = 1_000_000;

pub(crate) fn at(ms: u64) -> Ktime {
    Ktime(ms * MS)
}

pub(crate) fn span(from: u64, to: u64) -> Span {
    Span {
        start: at(from),
        end: Some(at(to)),
    }
}

/// An attempt by modprobe, tid 1000 and its number, that succeeded as leader.
pub(crate) fn attempt(id: u64, module: &str, from: u64, to: u64) -> Attempt {
    let tid = 1_000 + u32::try_from(id).unwrap_or_default();
    Attempt {
        module: Some(module.into()),
        comm: "modprobe".into(),
        syscall: Some(Syscall::FinitModule),
        args_len: Some(0),
        start: Some(at(from)),
        end: Some(at(to)),
        errno: Some(Errno::OK),
        role: Some(Role::Leader),
        load: Some(span(from, to)),
        read_bytes: Some(4_096),
        ..Attempt::new(AttemptId(id), Tid(tid), Tgid(tid))
    }
}

impl Attempt {
    /// It got this.
    pub(crate) fn got(mut self, errno: Errno) -> Self {
        self.errno = Some(errno);
        self
    }

    /// It had this role.
    pub(crate) fn was(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// It waited from one millisecond to another for that attempt.
    pub(crate) fn waited(mut self, kind: WaitKind, on: Option<u64>, from: u64, to: u64) -> Self {
        let on = on.map(|id| TaskRef {
            tid: Tid(1_000 + u32::try_from(id).unwrap_or_default()),
            comm: "modprobe".into(),
            attempt: AttemptId(id),
        });
        self.waits.push(Wait {
            kind,
            span: span(from, to),
            on,
            module: None,
            checks: None,
        });
        self
    }

    /// Its init function ran so long and returned this.
    pub(crate) fn init(mut self, from: u64, to: u64, errno: Errno) -> Self {
        self.init = Some(Init {
            span: span(from, to),
            errno: Some(errno),
            symbol: None,
        });
        self
    }

    /// The helper of this request makes it.
    pub(crate) fn by(mut self, request: u64) -> Self {
        self.request = Some(RequestId(request));
        self
    }

    /// Inside it this request was made, and waited for.
    pub(crate) fn requests(mut self, request: u64, name: &str, from: u64, to: u64) -> Self {
        self.requests.push(RequestId(request));
        self = self.waited(WaitKind::Request, None, from, to);
        if let Some(wait) = self.waits.last_mut() {
            wait.module = Some(name.into());
        }
        self
    }

    /// It and its last wait last.
    pub(crate) fn lasting(mut self) -> Self {
        (self.end, self.errno) = (None, None);
        self.waits.last_mut().into_iter().for_each(|wait| wait.span.end = None);
        self.notes.push(Note::InFlight);
        self
    }
}

/// A request by mount that got a slot at once and, after its helper, this answer.
pub(crate) fn request(id: u64, name: &str, from: u64, to: u64, ret: i64) -> Request {
    let tid = 5_000 + u32::try_from(id).unwrap_or_default();
    Request {
        id: RequestId(id),
        name: name.into(),
        tid: Tid(tid),
        tgid: Tgid(tid),
        comm: "mount".into(),
        parent: None,
        kernel_thread: Some(false),
        work: None,
        inside: None,
        call_site: None,
        stack: Vec::new(),
        start: Some(at(from)),
        end: Some(at(to)),
        refused: None,
        slot: None,
        granted: Some(at(from)),
        duplicate: None,
        waits: Some(true),
        helper: None,
        ret: Some(ret),
        caller: None,
        log: Vec::new(),
        notes: Vec::new(),
    }
}

impl Request {
    /// Its helper made these attempts.
    pub(crate) fn helped(mut self, attempts: &[u64]) -> Self {
        self.helper = Some(Helper {
            path: "/sbin/modprobe".to_owned(),
            span: Span {
                start: self.start.unwrap_or_default(),
                end: self.end,
            },
            taken_up: None,
            forked: None,
            runs: None,
            tgid: None,
            programs: Vec::new(),
            ended: self.end,
            status: None,
            attempts: attempts.iter().copied().map(AttemptId).collect(),
        });
        self
    }

    /// It was made inside this attempt.
    pub(crate) fn inside(mut self, attempt: u64) -> Self {
        self.inside = Some(AttemptId(attempt));
        self
    }

    /// It waited for a slot and never got one.
    pub(crate) fn without_slot(mut self, errno: Errno, held: u32) -> Self {
        self.slot = Some(SlotWait {
            span: Span {
                start: self.start.unwrap_or_default(),
                end: self.end,
            },
            errno: Some(errno),
            held,
        });
        self.granted = None;
        self
    }

    /// It lasts.
    pub(crate) fn lasting(mut self) -> Self {
        (self.end, self.ret) = (None, None);
        self.helper.iter_mut().for_each(|helper| helper.span.end = None);
        self.slot
            .iter_mut()
            .for_each(|slot| (slot.span.end, slot.errno) = (None, None));
        self.notes.push(Note::InFlight);
        self
    }
}

/// So many requests for one module whose init function makes a request of its own, in the order in which they are handed
/// out: one load, the others wait for it, until the request gives up after five seconds. Request and attempt numbers agree,
/// the load is attempt 1, the nested request has the last number.
pub(crate) fn nested(requests: u64) -> (Vec<Attempt>, Vec<Request>) {
    let last = requests + 1;
    let leader = attempt(1, "outer", 10, 5_050)
        .init(40, 5_040, Errno(2))
        .requests(last, "inner", 40, 5_040)
        .by(1)
        .got(Errno(2));
    let followers = (2..=requests).map(|id| {
        attempt(id, "outer", 20, 5_060)
            .waited(WaitKind::SameName, Some(1), 30, 5_050)
            .was(Role::Follower)
            .by(id)
            .got(Errno::EBUSY)
    });
    let attempts = std::iter::once(leader).chain(followers).collect();
    let inner = request(last, "inner", 40, 5_040, -62)
        .inside(1)
        .without_slot(Errno(62), 50);
    let outer = (1..=requests).map(|id| request(id, "outer-alias", id.min(5), 5_100, 256).helped(&[id]));
    (attempts, std::iter::once(inner).chain(outer).collect())
}
