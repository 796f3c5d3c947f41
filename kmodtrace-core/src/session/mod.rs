//! The reducer: events in order of time go in, finished attempts and the states of modules come out.
//!
//! A session holds what is in flight and nothing else; what it hands out it forgets. Records may be missing anywhere: an
//! attempt then says what it lacks, and never takes over what belongs to another one.

#![expect(clippy::similar_names, reason = "tid and tgid are the kernel's words")]

mod inodes;
mod lives;
mod name_wait;
mod owners;
mod task;

use std::collections::HashMap;

use crate::attempt::{Attempt, AttemptId, Finished, Note, Role, Wait};
use crate::event::{AttemptEnter, Event, Fact};
use crate::units::{Ktime, Tgid, Tid};
use task::Task;

/// Attempts in flight at most. Above it those that were silent longest are closed as never seen to return: so many
/// tasks are not loading modules, but their exits may be lost.
const IN_FLIGHT_MAX: usize = 16_384;

/// What attempts share.
#[derive(Debug, Default)]
struct World {
    inodes: inodes::Inodes,
    lives: lives::Lives,
    owners: owners::Owners,
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

/// Joins events to attempts.
#[derive(Debug, Default)]
pub struct Session {
    tasks: HashMap<Tid, Box<Task>>,
    world: World,
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
        match fact {
            Fact::AttemptEnter(enter) => self.enter(time, tid, tgid, *enter, out),
            Fact::AttemptExit(ret) => {
                let mut task = match self.tasks.remove(&tid) {
                    Some(task) => task,
                    None => Box::new(self.task(tid, tgid)),
                };
                task.active = time;
                let note = (task.losses != self.losses).then_some(Note::RecordsLost);
                task.finish(Some((time, ret)), note, &mut self.world, out);
            }
            Fact::Tick(counters) | Fact::Trailer(counters) => {
                let lost = counters.dropped.saturating_add(counters.missed);
                if lost != self.lost {
                    self.lost = lost;
                    self.losses += 1;
                }
            }
            Fact::Unknown(_) => {}
            inner => {
                if !self.tasks.contains_key(&tid) {
                    self.make_room(out);
                    let task = self.task(tid, tgid);
                    self.tasks.insert(tid, Box::new(task));
                }
                if let Some(task) = self.tasks.get_mut(&tid) {
                    task.active = time;
                    task.inner(time, inner, &mut self.world, out);
                }
            }
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

    /// The events have ended: hands out what is in flight, in order of beginning, and the states that last.
    pub fn finish(mut self, out: &mut Vec<Finished>) {
        let mut rest: Vec<_> = self.tasks.drain().map(|(_, task)| task).collect();
        rest.sort_by_key(|task| task.attempt.id);
        for task in rest {
            task.finish(None, Some(Note::InFlight), &mut self.world, out);
        }
        self.world.lives.finish(out);
    }

    fn enter(&mut self, time: Ktime, tid: Tid, tgid: Tgid, enter: AttemptEnter, out: &mut Vec<Finished>) {
        if let Some(stale) = self.tasks.remove(&tid) {
            stale.finish(None, Some(Note::ExitNotSeen), &mut self.world, out);
        }
        self.make_room(out);
        let mut task = self.task(tid, tgid);
        task.active = time;
        task.enter(time, enter, &mut self.world);
        self.tasks.insert(tid, Box::new(task));
    }

    fn task(&mut self, tid: Tid, tgid: Tgid) -> Task {
        self.attempts += 1;
        Task::new(AttemptId(self.attempts), tid, tgid, self.losses)
    }

    /// Closes the quarter that was silent longest once there are too many.
    fn make_room(&mut self, out: &mut Vec<Finished>) {
        if self.tasks.len() < IN_FLIGHT_MAX {
            return;
        }
        let mut silent: Vec<_> = self.tasks.iter().map(|(tid, task)| (task.active, *tid)).collect();
        silent.sort_unstable();
        for (_, tid) in silent.drain(..IN_FLIGHT_MAX / 4) {
            if let Some(task) = self.tasks.remove(&tid) {
                task.finish(None, Some(Note::ExitNotSeen), &mut self.world, out);
            }
        }
    }

    /// Entries of the state that attempts share, without modules.
    #[cfg(test)]
    fn shared_entries(&self) -> usize {
        self.world.owners.len() + self.world.inodes.len()
    }
}

#[cfg(test)]
mod tests;
