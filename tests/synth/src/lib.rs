//! Makes the records of storms of module loads that never happened, for tests and for the benchmark of replay.
//!
//! The records are those that the BPF programs write, in the sequences that the kernel's code allows, numbered on each CPU
//! and nearly in the order of their times, as a ring holds them. The same storm gives the same bytes every time. Real
//! kernels are the proof that the programs work; these are bytes to feed to everything after them.

#![forbid(unsafe_code)]

mod fleet;
mod hostile;
mod request;
mod task;

use std::num::NonZeroU64;

pub use fleet::{CALLS, Machine};
pub use hostile::{StringField, hostile, spoil, string_fields};

use kmodtrace_common::record::Header;
use kmodtrace_core::model::{Clock, Ktime, Tgid, Tid};
use kmodtrace_core::recording::{self, Kernel};
use kmodtrace_core::records::decode::{TickBytes, Tracer};
use kmodtrace_core::records::event::Counters;
use task::{Module, Task};
use zerocopy::IntoBytes as _;

/// CPUs of the machine that is made up.
pub const CPUS: u32 = 4;
/// The task that makes the ticks and the trailer.
pub const TRACER: Tracer = Tracer {
    tid: Tid(900),
    tgid: Tgid(900),
};
/// The kworker that starts helpers.
const KWORKER: u32 = 60;
/// Attempts of a round: one leads, the others meet it.
const ROUND: u64 = 8;
const MICROSECOND: u64 = 1_000;
const SECOND: u64 = 1_000_000_000;
/// When the first round begins.
const BEGIN: u64 = SECOND;

/// The header of a recording of that machine.
pub fn header() -> recording::Header {
    let kernel = Kernel {
        release: "6.1.0".to_owned(),
        version: String::new(),
        arch: "x86_64".to_owned(),
    };
    let clock = Clock {
        monotonic_ns: Ktime(1),
        realtime_ns: 2,
    };
    recording::Header::new("0", kernel, clock, CPUS, serde_json::Value::Null)
}

/// Round after round of attempts at one module. The rounds take turns:
/// - a request has a helper load the module; the init function fails with `-ENODEV` while others wait for the name, and
///   they get `-EBUSY`;
/// - it succeeds, and those that waited for the name get `-EEXIST`;
/// - the others come when the module is LIVE, and get `-EEXIST` at once;
/// - the others wait for the same inode, and get the leader's 0.
///
/// Where the load succeeded, `delete_module` ends the round.
#[derive(Clone, Debug)]
pub struct Storm {
    attempts_left: u64,
    /// Attempts a second, where rounds do not follow each other as fast as they can.
    pace: Option<u64>,
    rounds: u64,
    now: u64,
    seq: [u64; CPUS as usize],
    random: u64,
}

impl Storm {
    /// A storm of exactly so many attempts, `delete_module` included.
    pub fn new(attempts: u64) -> Self {
        Self {
            attempts_left: attempts,
            pace: None,
            rounds: 0,
            now: BEGIN,
            seq: [0; CPUS as usize],
            random: 1,
        }
    }

    /// The same with so many attempts a second, by pauses between rounds. A round stays as long as it is, so there cannot
    /// be more than without pauses.
    #[must_use]
    pub fn paced(self, attempts_a_second: NonZeroU64) -> Self {
        Self {
            pace: Some(attempts_a_second.get()),
            ..self
        }
    }

    /// The trailer of a recording of what came so far.
    pub fn trailer(&self) -> TickBytes {
        TRACER.trailer(Ktime(self.now), Counters::default(), false)
    }

    /// The records of so many requests that got a slot each and wait for one again: each depends on every other, as no kernel has it.
    pub fn knot(&mut self, requests: u32) -> Vec<u8> {
        let mut tasks: Vec<Task> = (0..requests)
            .map(|nth| Task::new(40_000 + nth, Module::new(nth.into()), self.now))
            .collect();
        let asked = tasks.iter_mut().map(Task::asks).max().unwrap_or(self.now);
        for task in &mut tasks {
            task.waits_for_slot(asked);
        }
        self.drained(tasks)
    }

    /// An xorshift generator: any will do, and a storm must not change with a library's version.
    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    /// The tasks of one round, each with its records.
    fn round(&mut self, attempts: u64) -> Vec<Task> {
        let round = self.rounds;
        let module = Module::new(round % 97);
        #[expect(clippy::cast_possible_truncation, reason = "below 40,000")]
        let (first_tid, requester) = ((1_000 + round * ROUND % 30_000) as u32, (31_000 + round % 1_000) as u32);
        let asked = round.is_multiple_of(4);
        // The helper starts after a request that came before it.
        let start = self.now + if asked { 200 * MICROSECOND } else { 0 };
        let mut tasks: Vec<Task> = (0..attempts)
            .zip(first_tid..)
            .map(|(nth, tid)| {
                // Late enough to find the leader COMING, early enough to wait for its init function.
                let after = if nth == 0 { 0 } else { 250 + nth * 3 };
                let begin = start + after * MICROSECOND + self.random(2 * MICROSECOND);
                Task::new(tid, module.clone(), begin)
            })
            .collect();
        let Some((leader, others)) = tasks.split_first_mut() else {
            return tasks;
        };
        let init = (200 + self.random(1_800)) * MICROSECOND;
        let Some((unloader, followers)) = others.split_last_mut().filter(|_| !asked) else {
            let mut mount = Task::new(requester, module.clone(), self.now);
            let mut kworker = Task::new(KWORKER, module, self.now);
            leader.helps(kworker.takes_up(mount.asks()));
            let done = leader.fails(init);
            mount.is_answered(leader.ends());
            for waiter in others {
                waiter.waits_for_name(done + self.random(9 * MICROSECOND), false);
            }
            tasks.extend([mount, kworker]);
            return tasks;
        };
        let done = leader.loads(init, round % 4 == 3);
        for follower in followers {
            let woken = done + self.random(9 * MICROSECOND);
            match round % 4 {
                1 => follower.waits_for_name(woken, true),
                2 => follower.finds_it_live(woken),
                _ => follower.waits_for_inode(woken),
            }
        }
        unloader.unloads(done + 500 * MICROSECOND);
        tasks
    }

    /// The records of these tasks, as draining the ring gives them, and the tick that follows.
    fn drained(&mut self, tasks: Vec<Task>) -> Vec<u8> {
        let mut records: Vec<(Header, Vec<u8>)> = tasks.into_iter().flat_map(Task::into_records).collect();
        records.sort_by_key(|(header, _)| header.time_ns);
        for (header, bytes) in &mut records {
            let seq = &mut self.seq[header.cpu as usize];
            *seq += 1;
            header.seq = *seq;
            bytes[..size_of::<Header>()].copy_from_slice(header.as_bytes());
            self.now = self.now.max(header.time_ns);
        }
        for at in 1..records.len() {
            let (earlier, later) = (records[at - 1].0, records[at].0);
            let close = later.time_ns.saturating_sub(earlier.time_ns) < 2 * MICROSECOND;
            // Two CPUs reserved room in another order than they read the clock.
            if earlier.cpu != later.cpu && close && self.random(4) == 0 {
                records.swap(at - 1, at);
            }
        }
        let mut bytes: Vec<u8> = records.into_iter().flat_map(|(_, bytes)| bytes).collect();
        self.now += 100 * MICROSECOND;
        bytes.extend(TRACER.tick(Ktime(self.now), Counters::default()));
        bytes
    }
}

impl Iterator for Storm {
    type Item = Vec<u8>;

    /// The records of one round, as draining the ring gives them, and the tick that follows.
    fn next(&mut self) -> Option<Vec<u8>> {
        let attempts = self.attempts_left.min(ROUND);
        if attempts == 0 {
            return None;
        }
        if let Some(pace) = self.pace {
            // Reckoned from the beginning, so that what division drops does not add up.
            self.now = self.now.max(BEGIN + self.rounds * ROUND * SECOND / pace);
        }
        let tasks = self.round(attempts);
        self.attempts_left -= attempts;
        self.rounds += 1;
        Some(self.drained(tasks))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;
    use kmodtrace_core::model::Finished;
    use kmodtrace_core::records::decode::{decode, split};
    use kmodtrace_core::records::event::{Event, Fact};
    use kmodtrace_core::records::order::Order;
    use kmodtrace_core::session::Session;

    fn events(attempts: u64) -> Vec<Event> {
        let bytes: Vec<u8> = Storm::new(attempts).flatten().collect();
        split(&bytes)
            .filter_map(Result::ok)
            .filter_map(|record| decode(record).ok())
            .collect()
    }

    #[test]
    fn every_attempt_enters_and_exits_once() {
        for attempts in [0, 1, 7, 8, 9, 400] {
            let count = |is: fn(&Fact) -> bool| events(attempts).iter().filter(|event| is(&event.fact)).count() as u64;
            assert_eq!(count(|fact| matches!(fact, Fact::AttemptEnter(_))), attempts);
            assert_eq!(count(|fact| matches!(fact, Fact::AttemptExit(_))), attempts);
            assert_eq!(count(|fact| matches!(fact, Fact::Unknown(_))), 0);
        }
    }

    #[test]
    fn every_fourth_round_has_a_request_whose_helper_makes_its_first_attempt() {
        let mut session = Session::new();
        let mut out = Vec::new();
        for event in events(400) {
            session.apply(event, &mut out);
        }
        session.finish(&mut out);
        let requests = out.iter().filter_map(|one| match one {
            Finished::Request(request) => Some(request),
            _ => None,
        });
        let whole = requests.filter(|request| {
            let helped = request.helper.as_ref().is_some_and(|helper| helper.attempts.len() == 1);
            request.ret == Some(256) && request.caller.is_some() && request.notes.is_empty() && helped
        });
        assert_eq!(whole.count(), 400 / 8 / 4 + 1);
        let notes = out.iter().filter_map(|one| match one {
            Finished::Attempt(attempt) => Some(attempt.notes.len()),
            _ => None,
        });
        assert_eq!(notes.sum::<usize>(), 0);
    }

    #[test]
    fn a_paced_storm_has_so_many_attempts_each_second() {
        let storm = Storm::new(3_500).paced(NonZeroU64::new(1_000).unwrap());
        let bytes: Vec<u8> = storm.flatten().collect();
        let events = split(&bytes).map(|record| decode(record.unwrap()).unwrap());
        let mut seconds = [0; 4];
        for event in events.filter(|event| matches!(event.fact, Fact::AttemptEnter(_))) {
            seconds[usize::try_from((event.time.0 - BEGIN) / SECOND).unwrap()] += 1;
        }
        assert_eq!(seconds, [1_000, 1_000, 1_000, 500]);
    }

    #[test]
    fn records_are_nearly_sorted_and_none_is_missing() {
        let events = events(400);
        assert!(!events.is_sorted_by_key(|event| event.time));
        let (mut order, mut sorted) = (Order::default(), Vec::new());
        for event in events {
            order.push(event);
            sorted.extend(std::iter::from_fn(|| order.next()));
        }
        sorted.extend(std::iter::from_fn(|| order.next_of_rest()));
        assert!(sorted.is_sorted_by_key(|event| event.time));
        assert_eq!((order.late(), order.loss().lost()), (0, 0));
    }
}
