//! Counting what never arrived.

use crate::model::{Refused, RefusedCalls};
use crate::records::event::{Counters, Event, Fact};

/// More than any kernel is built for: `NR_CPUS` is 8,192 at the most (arch/x86/Kconfig). What names another is damage, and not counted.
const CPUS: u32 = 1 << 14;

/// What is known to be missing, from two witnesses.
///
/// A CPU numbers its records from 1 before it asks the ring for room, so numbers that did not come are records that found
/// none. The BPF programs also count each one, and every tick brings that count: exact, but only as of the last tick, which
/// a killed tracer did not write. Numbers can be given twice (on a preemptible kernel a task may be interrupted between
/// reading and writing its CPU's number), which hides a gap as large, and never invents one. So neither witness counts too
/// many once everything has been drained, and [`lost`](Self::lost), the larger of the two, is what is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// By the number of the CPU.
    cpus: Vec<Numbers>,
    counters: Counters,
    refused: RefusedCalls,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Numbers {
    highest: u64,
    received: u64,
}

impl Loss {
    pub(super) fn see(&mut self, event: &Event) {
        if let Fact::Tick(counters) | Fact::Trailer(counters) = &event.fact {
            self.counters = *counters;
        } else if event.seq > 0 && event.cpu < CPUS {
            let cpu = event.cpu as usize;
            if cpu >= self.cpus.len() {
                self.cpus.resize(cpu + 1, Numbers::default());
            }
            if let Some(numbers) = self.cpus.get_mut(cpu) {
                numbers.highest = numbers.highest.max(event.seq);
                numbers.received += 1;
            }
        }
        if let Fact::Refused(refused) = &event.fact {
            self.refused.add(refused);
        }
    }

    /// Calls that were only counted, since the caller lacked the capability and there were many: how many of which user and program,
    /// those with the most first.
    pub fn refused(&self) -> Vec<Refused> {
        self.refused.list()
    }

    /// Records missing from the numbers of each CPU. While records are still on their way it may be a few too high.
    pub fn gaps(&self) -> u64 {
        let missing = |numbers: &Numbers| numbers.highest.saturating_sub(numbers.received);
        self.cpus.iter().map(missing).fold(0, u64::saturating_add)
    }

    /// The counters of the last tick, or zeros before the first.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Records lost: the count of the BPF programs, or the gaps in the numbers where they show more.
    pub fn lost(&self) -> u64 {
        self.counters.dropped.max(self.gaps())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Ktime, Tgid, Tid};

    fn seen(numbers: &[(u32, u64)]) -> Loss {
        let mut loss = Loss::default();
        for &(cpu, seq) in numbers {
            loss.see(&Event {
                time: Ktime(0),
                tid: Tid(1),
                tgid: Tgid(1),
                cpu,
                seq,
                fact: Fact::LoadEnter,
            });
        }
        loss
    }

    #[test]
    fn gaps_are_counted_for_each_cpu_in_any_order() {
        assert_eq!(seen(&[(0, 1), (0, 2), (1, 1)]).lost(), 0);
        assert_eq!(seen(&[(0, 4), (0, 1), (7, 3)]).lost(), 4);
        assert_eq!(seen(&[(0, u64::MAX), (1, u64::MAX)]).lost(), u64::MAX);
    }

    #[test]
    fn cpus_that_no_kernel_has_are_not_kept() {
        let many: Vec<(u32, u64)> = (0..CPUS + 10).map(|cpu| (cpu, 1)).collect();
        assert_eq!(seen(&many).cpus.len(), CPUS as usize);
    }

    #[test]
    fn a_number_given_twice_is_no_loss() {
        assert_eq!(seen(&[(0, 1), (0, 2), (0, 2), (0, 3), (0, 2), (0, 3)]).lost(), 0);
    }

    #[test]
    fn the_larger_witness_counts() {
        let mut loss = seen(&[(0, 1), (0, 4)]);
        let mut tick = |dropped| {
            let fact = Fact::Tick(Counters {
                dropped,
                missed: 5,
                clipped: 6,
            });
            loss.see(&Event {
                time: Ktime(0),
                tid: Tid(1),
                tgid: Tgid(1),
                cpu: 0,
                seq: 0,
                fact,
            });
            loss.lost()
        };
        assert_eq!((tick(1), tick(3)), (2, 3));
        assert_eq!((loss.gaps(), loss.counters().missed), (2, 5));
    }
}
