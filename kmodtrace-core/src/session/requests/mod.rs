//! Requests in flight, by the task that asks, by what its helper runs on, and by the helper's tasks.
//!
//! A request is handed out when its requester has the answer. Some are kept a little longer: where `get_fs_type` asked,
//! until that returned; without a slot, for the line that the kernel then writes to its log; where nobody waits for the
//! helper, until that ended.

mod helpers;
mod open;

use std::collections::{BTreeSet, HashSet};

use crate::model::{AttemptId, ByNumber, Finished, Ktime, Nanos, Note, Request, RequestId, Tgid, Tid};
use crate::records::event::{Fact, HelperEnter, RequestBegin};
use open::Open;

/// Requests in flight at most, and thread groups of helpers. Above it those that were silent longest are closed.
const MOST: usize = 16_384;

/// How long after the answer `get_fs_type` returns: it looks up once more what was registered. Later its return is taken
/// for lost.
const CALLER_WITHIN: Nanos = Nanos(1_000_000_000);

/// How long after the refusal of a slot the kernel says so in its log: at once, but the task may be preempted.
const LINE_WITHIN: Nanos = Nanos(10_000_000);

/// Requests in flight.
#[derive(Debug, Default)]
pub(super) struct Requests {
    open: ByNumber<RequestId, Open>,
    /// The request that a task is in, or that `get_fs_type` has not returned from.
    by_task: ByNumber<Tid, RequestId>,
    /// Helpers that are to run, also of requesters that were killed before they did.
    by_sub_info: ByNumber<u64, RequestId>,
    /// Thread groups of helpers and of what descends from them, also of requests that are over.
    helpers: ByNumber<Tgid, RequestId>,
    /// Requests that hold a slot.
    holders: HashSet<RequestId>,
    /// When a request that has its answer is handed out at last.
    deadlines: BTreeSet<(Ktime, RequestId)>,
    begun: u64,
    /// How often ticks told of new losses.
    pub(super) losses: u64,
}

impl Requests {
    /// A task asks for a module.
    pub(super) fn begin(
        &mut self,
        time: Ktime,
        (tid, tgid): (Tid, Tgid),
        begin: RequestBegin,
        inside: Option<AttemptId>,
        out: &mut Vec<Finished>,
    ) -> RequestId {
        self.moved_on(time, tid, out);
        let id = self.add(time, (tid, tgid), out);
        if let Some(open) = self.open.get_mut(&id) {
            open.begin(time, begin, inside);
        }
        id
    }

    /// Something was seen of the task that asks.
    pub(super) fn asked(&mut self, time: Ktime, task: (Tid, Tgid), fact: Fact, out: &mut Vec<Finished>) {
        let Some(id) = self.asked_by(time, task, &fact, out) else {
            return;
        };
        let held = u32::try_from(self.holders.len()).unwrap_or(u32::MAX);
        let Some(open) = self.open.get_mut(&id) else { return };
        open.active = time;
        match fact {
            Fact::HelperEnter(HelperEnter { sub_info, wait, path }) => {
                if let Some(former) = open.sub_info.replace(sub_info) {
                    self.by_sub_info.remove(&former);
                }
                if self.by_sub_info.len() >= MOST {
                    // Most of them are of helpers that were never seen to begin.
                    self.by_sub_info.clear();
                }
                self.by_sub_info.insert(sub_info, id);
                open.helper_enter(time, wait, path);
            }
            Fact::FsTypeExit { found, called_by } => open.caller(time, found, called_by),
            fact => open.asked(time, fact, held),
        }
        if open.request.holds_slot(time) {
            self.holders.insert(id);
        } else {
            self.holders.remove(&id);
        }
        self.close_answered(id, out);
    }

    /// Which request it is about. One whose beginning was not seen begins here, but not where nothing of it is left.
    fn asked_by(&mut self, time: Ktime, task: (Tid, Tgid), fact: &Fact, out: &mut Vec<Finished>) -> Option<RequestId> {
        let known = self.by_task.get(&task.0).copied();
        if matches!(fact, Fact::FsTypeExit { .. } | Fact::Stack(_)) {
            return known;
        }
        match known {
            Some(id) if self.open.get(&id).is_some_and(|open| !open.is_answered()) => Some(id),
            _ => {
                self.moved_on(time, task.0, out);
                Some(self.add(time, task, out))
            }
        }
    }

    /// The task does what it cannot do inside a request: its request is over, if it was in one.
    pub(super) fn moved_on(&mut self, time: Ktime, tid: Tid, out: &mut Vec<Finished>) {
        if let Some(id) = self.by_task.get(&tid).copied() {
            if let Some(open) = self.open.get_mut(&id) {
                open.give_up(time);
            }
            self.close(id, out);
        }
    }

    /// Whether the task waits for the answer to a request.
    pub(super) fn asks(&self, tid: Tid) -> bool {
        let asks = self.by_task.get(&tid).and_then(|id| self.open.get(id));
        asks.is_some_and(|open| !open.is_answered())
    }

    /// A line that the task wrote to the kernel log; given back when it belongs to no request.
    pub(super) fn log(&mut self, time: Ktime, tid: Tid, line: String) -> Option<String> {
        let open = self.by_task.get(&tid).and_then(|id| self.open.get_mut(id));
        match open {
            Some(open) => open.log(time, line),
            None => Some(line),
        }
    }

    /// Hands out what was kept for something that has not come.
    pub(super) fn expire(&mut self, time: Ktime, out: &mut Vec<Finished>) {
        while self.deadlines.first().is_some_and(|(deadline, _)| *deadline <= time) {
            if let Some((_, id)) = self.deadlines.pop_first() {
                self.close(id, out);
            }
        }
    }

    /// What is in flight, in no particular order.
    pub(super) fn in_flight(&self) -> impl Iterator<Item = &Request> {
        self.open.values().map(|open| &open.request)
    }

    /// The events have ended: hands out what is in flight, in order of beginning.
    pub(super) fn drain(&mut self, out: &mut Vec<Finished>) {
        let mut rest: Vec<_> = self.open.keys().copied().collect();
        rest.sort_unstable();
        for id in rest {
            if let Some(open) = self.open.get_mut(&id)
                && open.awaits()
            {
                open.request_note(Note::InFlight);
            }
            self.close(id, out);
        }
        self.helpers.clear();
        self.by_sub_info.clear();
    }

    fn add(&mut self, time: Ktime, (tid, tgid): (Tid, Tgid), out: &mut Vec<Finished>) -> RequestId {
        self.make_room(out);
        self.begun += 1;
        let id = RequestId(self.begun);
        self.open.insert(id, Open::new(id, tid, tgid, time, self.losses));
        self.by_task.insert(tid, id);
        id
    }

    /// A request that has its answer is handed out, unless something more is to come.
    fn close_answered(&mut self, id: RequestId, out: &mut Vec<Finished>) {
        let Some(open) = self.open.get_mut(&id) else { return };
        let Some(end) = open.ended() else { return };
        let keep = if open.awaits_caller() {
            Some(CALLER_WITHIN)
        } else if open.awaits_helper() {
            let tid = open.request.tid;
            if self.by_task.get(&tid) == Some(&id) {
                self.by_task.remove(&tid);
            }
            return;
        } else if open.awaits_line() {
            Some(LINE_WITHIN)
        } else {
            None
        };
        let Some(keep) = keep else { return self.close(id, out) };
        let deadline = Ktime(end.0.saturating_add(keep.0));
        if let Some(former) = open.deadline.replace(deadline) {
            self.deadlines.remove(&(former, id));
        }
        self.deadlines.insert((deadline, id));
    }

    fn close(&mut self, id: RequestId, out: &mut Vec<Finished>) {
        let Some(open) = self.open.remove(&id) else { return };
        self.holders.remove(&id);
        if self.by_task.get(&open.request.tid) == Some(&id) {
            self.by_task.remove(&open.request.tid);
        }
        if let Some(sub_info) = open.sub_info
            && !open.leaves_its_helper()
            && self.by_sub_info.get(&sub_info) == Some(&id)
        {
            self.by_sub_info.remove(&sub_info);
        }
        if let Some(deadline) = open.deadline {
            self.deadlines.remove(&(deadline, id));
        }
        out.push(Finished::Request(Box::new(open.finish(self.losses))));
    }

    /// Closes the quarter that was silent longest once there are too many.
    fn make_room(&mut self, out: &mut Vec<Finished>) {
        if self.open.len() < MOST {
            return;
        }
        let mut silent: Vec<_> = self.open.iter().map(|(id, open)| (open.active, *id)).collect();
        silent.sort_unstable();
        for (_, id) in silent.drain(..MOST / 4) {
            self.close(id, out);
        }
    }

    /// Entries of all that is kept.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        let keys = self.by_task.len() + self.by_sub_info.len() + self.helpers.len();
        self.open.len() + self.deadlines.len() + keys
    }
}
