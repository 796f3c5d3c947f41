//! Which attempts and requests are asked for, by who made them, how they ended, how long they took and when that was.

use super::attempt::Attempt;
use super::errno::Errno;
use super::finished::Finished;
use super::request::Request;
use super::units::{Ktime, Nanos, Tgid, Tid};
use crate::text::Glob;

/// What attempts and requests have to be like. The default is anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// They ended with this errno.
    pub errno: Option<Errno>,
    /// The task that made them has such a name.
    pub comm: Option<Glob>,
    /// The task that made them, or its thread group, has this number.
    pub pid: Option<u32>,
    /// They took at least as long. What did not return, or was not seen whole, counts as lasting.
    pub min: Option<Nanos>,
    /// They lasted until this instant, or began later.
    pub since: Option<Ktime>,
    /// They began by this instant.
    pub until: Option<Ktime>,
}

/// What an attempt and a request have in common.
struct Call<'a> {
    errno: Option<Errno>,
    comm: &'a str,
    tid: Tid,
    tgid: Tgid,
    start: Option<Ktime>,
    end: Option<Ktime>,
}

impl Wanted {
    /// Whether everything is asked for.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something that is over is asked for. The states of modules, and calls outside of loads, are nobody's: of them only the
    /// time matters, and where tasks, errnos or durations are asked for, they are not.
    pub fn takes(&self, finished: &Finished) -> bool {
        let nobody = || {
            let Self {
                errno,
                comm,
                pid,
                min,
                since: _,
                until: _,
            } = self;
            errno.is_none() && comm.is_none() && pid.is_none() && min.is_none()
        };
        match finished {
            Finished::Attempt(attempt) => self.takes_attempt(attempt),
            Finished::Request(request) => self.takes_request(request),
            Finished::State(state) => nobody() && self.is_time(Some(state.span.start), state.span.end),
            Finished::Call(call) => nobody() && self.is_time(Some(call.time), Some(call.time)),
        }
    }

    /// Whether this attempt is.
    pub fn takes_attempt(&self, attempt: &Attempt) -> bool {
        self.takes_call(&Call {
            errno: attempt.errno,
            comm: &attempt.comm,
            tid: attempt.tid,
            tgid: attempt.tgid,
            start: attempt.start,
            end: attempt.end,
        })
    }

    /// Whether this request is. The wait status of a helper is no errno.
    pub fn takes_request(&self, request: &Request) -> bool {
        self.takes_call(&Call {
            errno: request.ret.filter(|ret| *ret <= 0).map(Errno::from_ret),
            comm: &request.comm,
            tid: request.tid,
            tgid: request.tgid,
            start: request.start,
            end: request.end,
        })
    }

    fn takes_call(&self, call: &Call<'_>) -> bool {
        let lasted = call.start.zip(call.end).map(|(start, end)| end.since(start));
        self.errno.is_none_or(|errno| call.errno == Some(errno))
            && self.comm.as_ref().is_none_or(|glob| glob.matches(call.comm))
            && self.pid.is_none_or(|pid| call.tid.0 == pid || call.tgid.0 == pid)
            && self.min.is_none_or(|min| lasted.is_none_or(|lasted| lasted >= min))
            && self.is_time(call.start, call.end)
    }

    /// What has no beginning began before everything that was seen; what has no end lasts.
    fn is_time(&self, start: Option<Ktime>, end: Option<Ktime>) -> bool {
        self.since.is_none_or(|since| end.is_none_or(|end| end >= since))
            && self.until.is_none_or(|until| start.is_none_or(|start| start <= until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptId, ModuleState, Span, StateSpan};

    fn attempt() -> Attempt {
        let mut attempt = Attempt::new(AttemptId(1), Tid(11), Tgid(10));
        attempt.comm = "modprobe".into();
        attempt.errno = Some(Errno::EBUSY);
        attempt.start = Some(Ktime(20));
        attempt.end = Some(Ktime(30));
        attempt
    }

    #[test]
    fn each_part_must_fit() {
        let taken = |change: fn(&mut Wanted)| {
            let mut wanted = Wanted::default();
            change(&mut wanted);
            wanted.takes(&Finished::Attempt(Box::new(attempt())))
        };
        assert!(taken(|_| ()));
        assert!(taken(|wanted| wanted.errno = Some(Errno::EBUSY)));
        assert!(!taken(|wanted| wanted.errno = Some(Errno::OK)));
        assert!(taken(|wanted| wanted.comm = Some(Glob::new("mod*"))));
        assert!(!taken(|wanted| wanted.comm = Some(Glob::new("mod"))));
        assert!(taken(|wanted| wanted.pid = Some(10)) && taken(|wanted| wanted.pid = Some(11)));
        assert!(!taken(|wanted| wanted.pid = Some(12)));
        assert!(taken(|wanted| wanted.min = Some(Nanos(10))));
        assert!(!taken(|wanted| wanted.min = Some(Nanos(11))));
        assert!(taken(|wanted| wanted.since = Some(Ktime(30))));
        assert!(!taken(|wanted| wanted.since = Some(Ktime(31))));
        assert!(taken(|wanted| wanted.until = Some(Ktime(20))));
        assert!(!taken(|wanted| wanted.until = Some(Ktime(19))));
    }

    #[test]
    fn what_has_not_returned_lasts() {
        let mut lasting = attempt();
        (lasting.end, lasting.errno) = (None, None);
        let long = Wanted {
            min: Some(Nanos(u64::MAX)),
            since: Some(Ktime(u64::MAX)),
            ..Wanted::default()
        };
        assert!(long.takes_attempt(&lasting));
        let succeeded = Wanted {
            errno: Some(Errno::OK),
            ..Wanted::default()
        };
        assert!(!succeeded.takes_attempt(&lasting));
    }

    #[test]
    fn states_are_nobodys() {
        let state = Finished::State(StateSpan {
            module: "xfs".into(),
            address: None,
            state: ModuleState::Going,
            span: Span::from(Ktime(5)),
            cause: None,
        });
        let until = |time| Wanted {
            until: Some(Ktime(time)),
            ..Wanted::default()
        };
        assert!(until(5).takes(&state) && !until(4).takes(&state));
        let task = Wanted {
            pid: Some(10),
            ..Wanted::default()
        };
        assert!(!task.takes(&state));
    }
}
