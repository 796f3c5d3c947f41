//! The reducer: events in order of time go in; finished attempts, requests and states of modules come out.
//!
//! A session holds what is in flight and nothing else; what it hands out it forgets. Records may be missing anywhere: an
//! attempt then says what it lacks, and never takes over what belongs to another one.

#![expect(clippy::similar_names, reason = "tid and tgid are the kernel's words")]

mod devices;
mod inodes;
mod module_states;
mod name_wait;
mod owners;
mod paths;
mod recent;
mod requests;
mod task;

use std::collections::BTreeSet;

use kmodtrace_common::NOT_KEPT;

use crate::model::{
    Attempt, AttemptId, ByNumber, CallEdge, CallMark, Finished, Ktime, Note, Request, Role, TaskRef, Tgid, Tid, Wait,
    WaitKind,
};
use crate::records::event::{AttemptEnter, CallEnter, Event, Fact, OtherTask, RequestBegin};
use task::Task;

/// Attempts in flight at most. Above it those that were silent longest are closed as never seen to return: so many
/// tasks are not loading modules, but their exits may be lost.
const IN_FLIGHT_MAX: usize = 16_384;

/// Init functions that run at a time and may all have queued what another task calls. With more of them nobody can say whose a
/// call is, and each of them would keep it.
const MAY_HAVE_QUEUED: usize = 64;

/// What attempts share.
#[derive(Debug, Default)]
struct World {
    inodes: inodes::Inodes,
    lives: module_states::Lives,
    owners: owners::Owners,
    paths: paths::Paths,
    devices: devices::Devices,
}

/// An attempt that has not returned.
#[derive(Clone, Debug)]
pub struct InFlight<'s> {
    /// What is known so far.
    pub attempt: &'s Attempt,
    /// Its role so far.
    pub role: Option<Role>,
    /// The wait that it is in. In `idempotent_init_module` a task that does not lead yet counts as waiting.
    pub waits: Option<Wait>,
}

/// Joins events to attempts and requests.
#[derive(Debug, Default)]
pub struct Session {
    tasks: ByNumber<Tid, Box<Task>>,
    /// Those whose init function runs.
    initing: BTreeSet<Tid>,
    /// Entries and returns of functions that attempts in flight keep.
    calls: usize,
    world: World,
    requests: requests::Requests,
    attempts: u64,
    /// How often ticks told of new losses, and the losses at the last one.
    losses: u64,
    lost: u64,
}

impl Session {
    /// Nothing in flight.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event, and adds what is finished by it to `out`.
    pub fn apply(&mut self, event: Event, out: &mut Vec<Finished>) {
        let Event {
            time,
            tid,
            tgid,
            cpu: _,
            seq: _,
            fact,
        } = event;
        self.requests.expire(time, out);
        match fact {
            Fact::AttemptEnter(enter) => self.enter(time, tid, tgid, *enter, out),
            Fact::AttemptExit(ret) => self.exit(time, tid, tgid, ret, out),
            Fact::RequestBegin(begin) => self.request(time, tid, tgid, *begin, out),
            Fact::RequestSecurity(_)
            | Fact::SlotEnter
            | Fact::SlotExit(_)
            | Fact::SlotGivenUp
            | Fact::RequestGranted(_)
            | Fact::HelperEnter(_)
            | Fact::HelperExit(_)
            | Fact::FsTypeExit { .. }
            | Fact::Stack(_)
            | Fact::DupRequestEnter
            | Fact::DupRequestExit(_) => {
                self.requests.asked(time, (tid, tgid), fact, out);
                self.answered(time, tid);
            }
            Fact::HelperWork(_)
            | Fact::HelperTask(_)
            | Fact::HelperFork(_)
            | Fact::HelperRuns(_)
            | Fact::HelperEnd(_) => self.requests.helped(time, (tid, tgid), fact, out),
            Fact::Printk(line) => self.log(time, tid, line),
            Fact::CallEnter(CallEnter { function, at, from }) => {
                self.call(time, tid, function, CallEdge::Enter { at, from }, out);
            }
            Fact::CallExit(function, ret) => {
                let ret = Some(ret).filter(|ret| *ret != NOT_KEPT);
                self.call(time, tid, function, CallEdge::Exit(ret), out);
            }
            Fact::SwitchOut { preempted } => {
                if let Some(task) = self.tasks.get_mut(&tid) {
                    task.off(time, preempted);
                }
            }
            Fact::SwitchIn => {
                if let Some(task) = self.tasks.get_mut(&tid) {
                    task.on(time);
                }
            }
            Fact::Signal(sent) => {
                if let Some(task) = self.tasks.get_mut(&tid) {
                    task.signal(time, sent);
                }
            }
            Fact::Tick(counters) | Fact::Trailer(counters) => {
                let lost = counters.dropped.saturating_add(counters.missed);
                if lost != self.lost {
                    self.lost = lost;
                    self.losses += 1;
                    self.requests.losses = self.losses;
                }
            }
            Fact::CommandEnd(_) | Fact::Cgroup { .. } | Fact::Refused(_) | Fact::Unknown(_) => {}
            inner => self.inner(time, tid, tgid, inner, out),
        }
    }

    /// What is in flight, in no particular order.
    pub fn in_flight(&self) -> impl Iterator<Item = InFlight<'_>> {
        self.tasks.values().map(|task| InFlight {
            attempt: &task.attempt,
            role: task.role(),
            waits: task.pending(&self.world),
        })
    }

    /// Requests in flight, in no particular order. One that has its answer is among them while more of it is to come.
    pub fn requests_in_flight(&self) -> impl Iterator<Item = &Request> {
        self.requests.in_flight()
    }

    /// The events have ended: hands out what is in flight, in order of beginning, and the states that last.
    pub fn finish(mut self, out: &mut Vec<Finished>) {
        self.drain(out);
    }

    fn drain(&mut self, out: &mut Vec<Finished>) {
        self.requests.drain(out);
        let mut rest: Vec<_> = self.tasks.drain().map(|(_, task)| task).collect();
        rest.sort_by_key(|task| task.attempt.id);
        // The last first: those who wait came after those whom they wait for, and find them as long as these are there.
        let mut finished = Vec::new();
        for task in rest.into_iter().rev() {
            let mut own = Vec::new();
            task.finish(None, Some(Note::InFlight), &mut self.world, &mut own);
            finished.push(own);
        }
        out.extend(finished.into_iter().rev().flatten());
        self.world.lives.finish(out);
    }

    fn enter(&mut self, time: Ktime, tid: Tid, tgid: Tgid, enter: AttemptEnter, out: &mut Vec<Finished>) {
        self.requests.moved_on(time, tid, out);
        if let Some(stale) = self.take(tid) {
            stale.finish(None, Some(Note::ExitNotSeen), &mut self.world, out);
        }
        self.make_room(out);
        let mut task = self.task(tid, tgid);
        task.active = time;
        task.enter(time, enter, &mut self.world);
        self.tasks.insert(tid, Box::new(task));
    }

    fn exit(&mut self, time: Ktime, tid: Tid, tgid: Tgid, ret: i64, out: &mut Vec<Finished>) {
        self.requests.moved_on(time, tid, out);
        let mut task = match self.take(tid) {
            Some(task) => task,
            None => Box::new(self.task(tid, tgid)),
        };
        task.active = time;
        let note = (task.losses != self.losses).then_some(Note::RecordsLost);
        task.finish(Some((time, ret)), note, &mut self.world, out);
    }

    /// Something was seen inside an attempt.
    fn inner(&mut self, time: Ktime, tid: Tid, tgid: Tgid, fact: Fact, out: &mut Vec<Finished>) {
        self.requests.moved_on(time, tid, out);
        let holder = match &fact {
            Fact::MutexEnter(Some(holder)) => self.in_attempt(holder, tid),
            _ => None,
        };
        let contends = matches!(fact, Fact::MutexEnter(_));
        match &fact {
            Fact::InitStart(_) => drop(self.initing.insert(tid)),
            Fact::InitEnd(_) => drop(self.initing.remove(&tid)),
            _ => {}
        }
        self.make_sure(tid, tgid, out);
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.active = time;
            task.inner(time, fact, &mut self.world, out);
            if contends {
                task.begin_wait(WaitKind::Mutex, time, holder, None);
            }
        }
    }

    /// A task other than `me` that is in an attempt.
    fn in_attempt(&self, other: &OtherTask, me: Tid) -> Option<TaskRef> {
        let task = self.tasks.get(&other.tid).filter(|_| other.tid != me)?;
        Some(task.attempt.task())
    }

    fn request(&mut self, time: Ktime, tid: Tid, tgid: Tgid, begin: RequestBegin, out: &mut Vec<Finished>) {
        if begin.in_attempt {
            self.make_sure(tid, tgid, out);
        }
        let mut task = self.tasks.get_mut(&tid).filter(|_| begin.in_attempt);
        let inside = task.as_ref().map(|task| task.attempt.id);
        let name = begin.name.clone();
        let id = self.requests.begin(time, (tid, tgid), begin, inside, out);
        if let Some(task) = &mut task {
            task.active = time;
            task.request(time, id, name);
        }
    }

    /// Where the task has the answer to its request, the wait of its attempt is over.
    fn answered(&mut self, time: Ktime, tid: Tid) {
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.active = time;
            if !self.requests.asks(tid) {
                task.end_wait(WaitKind::Request, time);
            }
        }
    }

    /// A line belongs to the innermost thing that its task is in.
    fn log(&mut self, time: Ktime, tid: Tid, line: String) {
        if let Some(line) = self.requests.log(time, tid, line)
            && let Some(task) = self.tasks.get_mut(&tid)
        {
            task.log(time, line);
        }
    }

    /// A call belongs to the attempt of its task, or to those whose init function runs meanwhile: it may have queued it. What
    /// belongs to none is handed on.
    fn call(&mut self, time: Ktime, tid: Tid, function: u32, edge: CallEdge, out: &mut Vec<Finished>) {
        let mark = CallMark {
            time,
            tid,
            function,
            edge,
        };
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.active = time;
            return task.call(mark, &mut self.calls);
        }
        let mut belongs = false;
        if self.initing.len() <= MAY_HAVE_QUEUED {
            for tid in &self.initing {
                if let Some(task) = self.tasks.get_mut(tid).filter(|task| task.runs_init()) {
                    task.call(mark, &mut self.calls);
                    belongs = true;
                }
            }
        }
        if !belongs {
            out.push(Finished::Call(mark));
        }
    }

    /// Makes an attempt whose entry was not seen, where there is none.
    fn make_sure(&mut self, tid: Tid, tgid: Tgid, out: &mut Vec<Finished>) {
        if !self.tasks.contains_key(&tid) {
            self.make_room(out);
            let task = self.task(tid, tgid);
            self.tasks.insert(tid, Box::new(task));
        }
    }

    fn task(&mut self, tid: Tid, tgid: Tgid) -> Task {
        self.attempts += 1;
        let id = AttemptId(self.attempts);
        let mut task = Task::new(id, tid, tgid, self.losses);
        task.attempt.request = self.requests.attempt(tgid, id);
        task
    }

    /// The attempt that a task is in, which ends.
    fn take(&mut self, tid: Tid) -> Option<Box<Task>> {
        self.initing.remove(&tid);
        let task = self.tasks.remove(&tid)?;
        self.calls -= task.attempt.calls.len();
        Some(task)
    }

    /// Closes the quarter that was silent longest once there are too many.
    fn make_room(&mut self, out: &mut Vec<Finished>) {
        if self.tasks.len() < IN_FLIGHT_MAX {
            return;
        }
        let mut silent: Vec<_> = self.tasks.iter().map(|(tid, task)| (task.active, *tid)).collect();
        silent.sort_unstable();
        for (_, tid) in silent.drain(..IN_FLIGHT_MAX / 4) {
            if let Some(task) = self.take(tid) {
                task.finish(None, Some(Note::ExitNotSeen), &mut self.world, out);
            }
        }
    }

    /// Entries of the state that attempts share, without modules, and of requests.
    #[cfg(test)]
    fn shared_entries(&self) -> usize {
        self.world.owners.len() + self.world.inodes.len() + self.requests.entries()
    }
}

#[cfg(test)]
mod tests;
