//! The one way that records take, live or from a file: bytes, events, their order, attempts.

use std::mem;

use crate::model::{Cgroups, Finished, Ktime, WaitStatus};
use crate::records::decode::{DecodeError, decode};
use crate::records::event::{Event, Fact};
use crate::records::order::{HORIZON, Loss, Order};
use crate::session::Session;

/// Bytes of records in, finished attempts and states out.
#[derive(Debug, Default)]
pub struct Pipeline {
    order: Order,
    session: Session,
    finished: Vec<Finished>,
    ticked: Option<Ktime>,
    reached: Ktime,
    taken: u64,
    command: Option<WaitStatus>,
    cgroups: Cgroups,
}

impl Pipeline {
    /// Takes one record, as the ring held it.
    pub fn push(&mut self, record: &[u8]) -> Result<(), DecodeError> {
        let event = decode(record)?;
        if let Fact::Tick(_) = event.fact {
            let ticked = Ktime(event.time.0.saturating_sub(HORIZON.0));
            self.ticked = Some(ticked);
            self.reached = self.reached.max(ticked);
        }
        match &event.fact {
            Fact::CommandEnd(status) => self.command = Some(*status),
            Fact::Cgroup { id, path } => self.cgroups.add(*id, path),
            _ => {}
        }
        self.order.push(event);
        while let Some(event) = self.order.next() {
            self.apply(event);
        }
        Ok(())
    }

    /// The instant that a tick moved the session to, if one did since the last call: what is in flight was so then. Live
    /// and in a replay there are the same ticks between the same records.
    pub fn take_tick(&mut self) -> Option<Ktime> {
        self.ticked.take()
    }

    /// Records, but for ticks, that the session has taken: where there are no more of them, only time has passed for what is in flight.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The instant that the session has come to: what is in flight has lasted until then.
    pub fn reached(&self) -> Ktime {
        self.reached
    }

    /// Gives what is held back its turn, where nothing more is to come for now, and leaves in flight what is.
    pub fn flush(&mut self) {
        while let Some(event) = self.order.next_of_rest() {
            self.apply(event);
        }
    }

    /// Moves to this instant, where every record of what was until then has been pushed: what is held back gets its turn, and what
    /// is in flight has lasted until then.
    pub fn reach(&mut self, time: Ktime) {
        self.flush();
        self.reached = self.reached.max(time);
    }

    /// How the command ended that was run under the tracer; none where it has not, where there was none, and in older recordings.
    pub fn command_status(&self) -> Option<WaitStatus> {
        self.command
    }

    /// The cgroups that were told so far.
    pub fn cgroups(&self) -> &Cgroups {
        &self.cgroups
    }

    /// How much was finished since the last call of [`take`](Self::take).
    pub fn ready(&self) -> usize {
        self.finished.len()
    }

    /// What was finished since the last call.
    pub fn take(&mut self) -> Vec<Finished> {
        mem::take(&mut self.finished)
    }

    /// What is in flight.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What is known to be missing so far.
    pub fn loss(&self) -> &Loss {
        self.order.loss()
    }

    /// Nothing more comes: what is left, that which never returned included, and what is missing.
    pub fn finish(mut self) -> (Vec<Finished>, Loss) {
        self.flush();
        self.session.finish(&mut self.finished);
        (self.finished, self.order.loss().clone())
    }

    fn apply(&mut self, event: Event) {
        self.reached = self.reached.max(event.time);
        self.taken += u64::from(!matches!(event.fact, Fact::Tick(_)));
        self.session.apply(event, &mut self.finished);
    }
}
