//! Runs parts, several at the same time: guests wait for grace periods most of the time, and use less than half of a processor.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};

use crate::{guest::Tally, part::Part};

/// How many parts run at the same time: they keep two processors busy, and with more of them each only takes longer.
const WORKERS: usize = 3;

/// A part that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) name: String,
    pub(crate) took: Duration,
    pub(crate) result: Result<Tally>,
}

/// Parts that have not ended.
#[derive(Debug)]
struct Queue {
    /// What takes long, with all that comes after it, is first.
    waiting: Vec<Part>,
    /// Names of those that run.
    running: Vec<String>,
}

impl Queue {
    fn new(mut parts: Vec<Part>) -> Self {
        let weights: Vec<_> = parts
            .iter()
            .map(|part| (part.name.clone(), weight(part, &parts)))
            .collect();
        let weight = |part: &Part| {
            weights
                .iter()
                .find(|(name, _)| *name == part.name)
                .map(|(_, weight)| *weight)
        };
        parts.sort_by_key(|part| std::cmp::Reverse(weight(part)));
        Self {
            waiting: parts,
            running: Vec::new(),
        }
    }

    /// Takes the first part that may begin.
    fn take(&mut self) -> Option<Part> {
        let at = self.waiting.iter().position(|part| self.may_begin(part))?;
        let part = self.waiting.remove(at);
        self.running.push(part.name.clone());
        Some(part)
    }

    fn may_begin(&self, part: &Part) -> bool {
        let mut unfinished = self.waiting.iter().map(|part| &part.name).chain(&self.running);
        part.after.is_none_or(|after| !unfinished.any(|name| name == after))
    }
}

/// Seconds until the last of those that come after a part may have ended.
fn weight(part: &Part, parts: &[Part]) -> u32 {
    let later = parts.iter().filter(|later| later.after == Some(&part.name));
    part.seconds + later.map(|later| weight(later, parts)).max().unwrap_or(0)
}

/// Runs all parts, and hands each on as it ends.
pub(crate) fn run(parts: Vec<Part>, take: &mut dyn FnMut(Done)) {
    let (queue, changed) = (Mutex::new(Queue::new(parts)), Condvar::new());
    let (sender, done) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            let (queue, changed, sender) = (&queue, &changed, sender.clone());
            scope.spawn(move || {
                while let Some(part) = next(queue, changed) {
                    let done = run_one(&part);
                    locked(queue).running.retain(|name| *name != part.name);
                    changed.notify_all();
                    // The receiver stays until all have ended.
                    drop(sender.send(done));
                }
            });
        }
        drop(sender);
        done.iter().for_each(take);
    });
}

/// Waits for a part that may begin; none when all have begun.
fn next(queue: &Mutex<Queue>, changed: &Condvar) -> Option<Part> {
    let mut queue = locked(queue);
    while !queue.waiting.is_empty() {
        if let Some(part) = queue.take() {
            return Some(part);
        }
        queue = changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
    None
}

fn locked(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In a thread of its own, so that a part that panics is one that failed.
fn run_one(part: &Part) -> Done {
    eprintln!("xtask: {} begins", part.name);
    let begin = Instant::now();
    let result = thread::scope(|scope| scope.spawn(|| part.run()).join());
    Done {
        name: part.name.clone(),
        took: begin.elapsed(),
        result: result.unwrap_or_else(|_| Err(anyhow!("it panicked"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::part, Queue};
    use guest_vm::kernel::MATRIX;

    #[test]
    fn what_others_wait_for_begins_before_them() {
        let mut queue = Queue::new(part::all(&MATRIX));
        let mut begun = Vec::new();
        while let Some(part) = queue.take() {
            assert!(part.after.is_none_or(|after| begun.iter().any(|name| name == after)));
            begun.push(part.name.clone());
            queue.running.clear();
        }
        assert!(queue.waiting.is_empty());
        assert_eq!(begun.first().map(String::as_str), Some("programs"));
    }

    #[test]
    fn what_uses_the_same_build_does_not_run_beside_it() {
        let mut queue = Queue::new(part::all(&[]));
        assert!(queue.take().is_some_and(|part| part.name == "lints"));
        assert!(queue.take().is_some_and(|part| part.name == "format"));
        assert!(queue.take().is_none());
    }
}
