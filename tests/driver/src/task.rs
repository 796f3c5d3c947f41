//! A thread that makes one call.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::thread;

use anyhow::{Context as _, Result, anyhow};

use crate::call::{Call, Made, tid};
use crate::watch::LIMIT;

/// A thread in the middle of its call, or done with it.
pub(crate) struct Task {
    /// The thread.
    pub(crate) tid: i32,
    /// What it calls.
    pub(crate) call: Call,
    made: Receiver<Made>,
}

impl Task {
    /// Starts it. What the call points to must outlive it to mean anything.
    pub(crate) fn start(call: Call) -> Result<Self> {
        let (say_tid, hear_tid) = channel();
        let (say_made, made) = channel();
        thread::Builder::new().stack_size(64 << 10).spawn(move || {
            // Nobody listens any more when the scenario has failed.
            let _ = say_tid.send(tid());
            let _ = say_made.send(call.make());
        })?;
        let tid = hear_tid.recv_timeout(LIMIT).context("a thread did not start")?;
        Ok(Self { tid, call, made })
    }

    /// Waits for its return.
    pub(crate) fn finish(self) -> Result<Made> {
        let name = self.call.name();
        self.made
            .recv_timeout(LIMIT)
            .with_context(|| format!("{name} of task {} does not return", self.tid))
    }
}

/// Runs each plan in a thread of its own, all beginning at once. What each call got, in the plans' order.
pub(crate) fn together(plans: impl IntoIterator<Item = Vec<Call>>) -> Result<Vec<Vec<(Call, Made)>>> {
    let plans: Vec<_> = plans.into_iter().collect();
    let gate = Arc::new(Barrier::new(plans.len()));
    let start = |plan: Vec<Call>| {
        let gate = Arc::clone(&gate);
        thread::spawn(move || {
            gate.wait();
            plan.into_iter().map(|call| (call, call.make())).collect()
        })
    };
    let threads: Vec<_> = plans.into_iter().map(start).collect();
    threads
        .into_iter()
        .map(|thread| thread.join().map_err(|_| anyhow!("a task panicked")))
        .collect()
}
