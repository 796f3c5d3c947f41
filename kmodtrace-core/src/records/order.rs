//! Puts records into the order of their time, and counts what is missing.
//!
//! A BPF program reads the clock, then reserves room in the ring. In between another CPU can be faster, so records lie in
//! the ring in the order of the reserves, which is nearly that of their times. One task's records never swap: it writes
//! one after the other, and its clock goes forward. (`ktime_get_mono_fast_ns` may step back only for an NMI that hits the
//! timekeeper's update; see the comment on it in kernel/time/timekeeping.c. No probe of ours runs in one.)
//!
//! What comes out depends on what was pushed and on nothing else, so live output and a replay of its recording agree.

mod loss;

use crate::model::{Ktime, Nanos};
use crate::records::event::Event;
use std::collections::{BTreeMap, VecDeque};

pub use loss::Loss;

/// How much older than the newest record an event must be before it is passed on: 10 ms.
///
/// Between clock and reserve lie some hundred nanoseconds, unless the task is preempted just there. Kernels from 5.11 on
/// allow that where they preempt kernel code at all: a BPF program then disables migration only. It goes on when the
/// scheduler gives it the CPU back, commonly within a few milliseconds. Waiting longer would delay live output and hold
/// more events, and still could not cover a virtual CPU that its host stops. An event that comes even later is passed on
/// at once and counted in [`Order::late`].
pub const HORIZON: Nanos = Nanos(10_000_000);

/// Most events held back, so that memory is bounded whatever times a file claims. At a million records a second the
/// horizon holds 10,000.
const MOST_HELD: usize = 65_536;

/// How many places an event is moved forward among those that came before it. Another CPU that was faster wrote one or two records.
const NEAR: usize = 8;

/// Sorts events by time as they come; see the module.
///
/// The newest time seen, less [`HORIZON`], is what all events have reached. A tick counts like any record: everything older
/// than it was in the ring has been drained before it, and only a record whose task was preempted can still follow. So
/// a source that falls silent is followed by one tick after another until nothing is [held](Self::is_holding).
#[derive(Debug, Default)]
pub struct Order {
    /// Events that came in the order of their times, or nearly so, each with how many came before it.
    sorted: VecDeque<(u64, Event)>,
    /// The others. How many came before decides between equal times.
    others: BTreeMap<(Ktime, u64), Event>,
    pushed: u64,
    newest: Ktime,
    passed: Ktime,
    late: u64,
    loss: Loss,
}

impl Order {
    /// Takes an event as it comes from the ring or the file. Behind each, [`next`](Self::next) is to be asked until there is none.
    pub fn push(&mut self, event: Event) {
        self.loss.see(&event);
        self.newest = self.newest.max(event.time);
        let nth = self.pushed;
        self.pushed += 1;
        let is_later = |(_, known): &&(u64, Event)| known.time > event.time;
        match self.sorted.iter().rev().take_while(is_later).take(NEAR + 1).count() {
            0 => self.sorted.push_back((nth, event)),
            later @ 1..=NEAR => self.sorted.insert(self.sorted.len() - later, (nth, event)),
            _ => drop(self.others.insert((event.time, nth), event)),
        }
    }

    /// The next event whose turn has come.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator that has ended may be dropped; this one goes on"
    )]
    pub fn next(&mut self) -> Option<Event> {
        self.pop(|order, oldest| order.held() > MOST_HELD || order.newest.since(oldest) >= HORIZON)
    }

    /// The next event, where nothing more comes.
    pub fn next_of_rest(&mut self) -> Option<Event> {
        self.pop(|_, _| true)
    }

    fn held(&self) -> usize {
        self.sorted.len() + self.others.len()
    }

    /// The oldest event, if its turn has come at its time.
    fn pop(&mut self, has_turn: impl Fn(&Self, Ktime) -> bool) -> Option<Event> {
        let sorted = self.sorted.front().map(|(nth, event)| (event.time, *nth));
        let other = self.others.first_key_value().map(|(key, _)| *key);
        let is_other = other.is_some_and(|other| sorted.is_none_or(|sorted| other < sorted));
        let (time, _) = if is_other { other } else { sorted }?;
        if !has_turn(self, time) {
            return None;
        }
        self.late += u64::from(time < self.passed);
        self.passed = self.passed.max(time);
        if is_other {
            self.others.pop_first().map(|(_, event)| event)
        } else {
            self.sorted.pop_front().map(|(_, event)| event)
        }
    }

    /// Whether events wait for the horizon to pass: the source owes a tick.
    pub fn is_holding(&self) -> bool {
        self.held() > 0
    }

    /// Events that came so late that later ones had already been passed on.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// What is missing, from the events pushed so far.
    pub fn loss(&self) -> &Loss {
        &self.loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Tgid, Tid};
    use crate::records::event::{Counters, Fact};
    use proptest::prelude::*;
    use std::iter;

    fn event(time: u64, tid: u32, seq: u64) -> Event {
        Event {
            time: Ktime(time),
            tid: Tid(tid),
            tgid: Tgid(tid),
            cpu: 0,
            seq,
            fact: Fact::LoadEnter,
        }
    }

    /// What an order passes on as it takes these.
    fn push(order: &mut Order, events: impl IntoIterator<Item = Event>) -> Vec<Event> {
        let mut passed = Vec::new();
        for event in events {
            order.push(event);
            passed.extend(iter::from_fn(|| order.next()));
        }
        passed
    }

    fn finish(order: &mut Order) -> Vec<Event> {
        iter::from_fn(|| order.next_of_rest()).collect()
    }

    #[test]
    fn a_tick_lets_go_of_what_is_older_than_the_horizon() {
        let mut order = Order::default();
        assert_eq!(push(&mut order, [event(100, 1, 1)]), []);
        assert!(order.is_holding());
        let tick = |time| Event {
            seq: 0,
            fact: Fact::Tick(Counters::default()),
            ..event(time, 9, 0)
        };
        assert_eq!(push(&mut order, [tick(99 + HORIZON.0)]), []);
        assert_eq!(push(&mut order, [tick(100 + HORIZON.0)]), [event(100, 1, 1)]);
        assert_eq!(finish(&mut order).len(), 2);
        assert!(!order.is_holding());
    }

    #[test]
    fn a_late_event_is_passed_on_at_once_and_counted() {
        let mut order = Order::default();
        let arrivals = [(1, 1), (HORIZON.0 + 5, 2), (0, 3)].map(|(time, seq)| event(time, 1, seq));
        assert_eq!(push(&mut order, arrivals), [event(1, 1, 1), event(0, 1, 3)]);
        assert_eq!(order.late(), 1);
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut order = Order::default();
        let arrivals = (0..=MOST_HELD as u64).map(|seq| event(7, 1, seq));
        assert_eq!(push(&mut order, arrivals), [event(7, 1, 0)]);
        assert_eq!(order.late(), 0);
    }

    /// Records of a few tasks, in the order in which they come: each at most the horizon after its time, and those of one
    /// task as it wrote them.
    fn arrivals() -> impl Strategy<Value = Vec<Event>> {
        let steps = prop::collection::vec((0..HORIZON.0 / 2, 0..HORIZON.0), 0..60);
        prop::collection::vec(steps, 1..6).prop_map(|tasks| {
            let mut arrivals = Vec::new();
            for (tid, steps) in (1..).zip(tasks) {
                let (mut time, mut arrived) = (0, 0);
                for (seq, (step, delay)) in (1..).zip(steps) {
                    time += step;
                    arrived = arrived.max(time + delay);
                    arrivals.push((arrived, event(time, tid, seq)));
                }
            }
            arrivals.sort_by_key(|(arrived, _)| *arrived);
            arrivals.into_iter().map(|(_, event)| event).collect()
        })
    }

    proptest! {
        #[test]
        fn what_comes_within_the_horizon_is_sorted(arrivals in arrivals()) {
            let mut order = Order::default();
            let mut sorted = push(&mut order, arrivals.clone());
            sorted.extend(finish(&mut order));
            // Stable by time: equal times keep their arrival, so the records of one task keep their order.
            let mut expected = arrivals;
            expected.sort_by_key(|event| event.time);
            prop_assert_eq!(sorted, expected);
            prop_assert_eq!(order.late(), 0);
        }

        #[test]
        fn nothing_is_lost_or_doubled_whatever_the_times(times in prop::collection::vec(any::<u64>(), 0..100)) {
            let mut order = Order::default();
            let mut all = push(&mut order, (1..).zip(&times).map(|(seq, time)| event(*time, 1, seq)));
            all.extend(finish(&mut order));
            let mut out: Vec<_> = all.iter().map(|event| (event.seq, event.time.0)).collect();
            out.sort_unstable();
            prop_assert_eq!(out, (1..).zip(times).collect::<Vec<_>>());
        }
    }
}
