//! Who called whom, out of entries and returns.

use std::collections::BTreeMap;

use crate::model::{CallEdge, CallMark, Ktime, Nanos, OffCpu, Tid};
use crate::model::{Outcome, ProbedFunction};

/// A call, and the calls made in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its place in the list of functions of the recording's header.
    pub function: u32,
    /// In which task.
    pub tid: Tid,
    /// Entry.
    pub start: Ktime,
    /// Return; none where it was not seen.
    pub end: Option<Ktime>,
    /// What it returned.
    pub outcome: Outcome,
    /// The call in its caller's code that it was made by: where that returns to, in bytes from the caller's beginning. None where
    /// the caller is not in sight: a function of the kernel that calls back, or one that is not probed.
    pub site: Option<u32>,
    /// Calls made in it, in order.
    pub calls: Vec<Self>,
}

/// A call whose return has not come yet.
struct Open {
    call: Call,
    at: u64,
}

/// Calls within calls that are kept, so that what goes through a tree may recurse. The 16 KiB of a kernel's stack hold less than a
/// hundred frames of the usual size: where more seem to be open, returns are missing. jq reads two brackets for each, 256 in all.
pub(super) const DEPTH: usize = 120;

/// The calls of tasks, each with those made in it.
#[derive(Debug, Default)]
pub(super) struct Forest {
    /// Those that nobody in sight made, in order of their beginning.
    pub(super) calls: Vec<Call>,
    /// How many were left out because they lie deeper than [`DEPTH`].
    pub(super) deeper: u64,
}

/// The calls of all tasks. A return whose entry was not seen is left out: nothing shows where the call began. An entry whose return
/// was missed ends where its caller does.
pub(super) fn forest(marks: &[CallMark], known: &[ProbedFunction]) -> Forest {
    let mut open: BTreeMap<Tid, Vec<Open>> = BTreeMap::new();
    let mut done = Forest::default();
    for mark in marks {
        let stack = open.entry(mark.tid).or_default();
        match mark.edge {
            CallEdge::Enter { at, from } => {
                let site = stack.last().and_then(|caller| site(caller, from, known));
                let call = Call {
                    function: mark.function,
                    tid: mark.tid,
                    start: mark.time,
                    end: None,
                    outcome: Outcome::Unseen,
                    site,
                    calls: Vec::new(),
                };
                stack.push(Open { call, at });
            }
            CallEdge::Exit(ret) => {
                let Some(depth) = stack.iter().rposition(|open| open.call.function == mark.function) else {
                    continue;
                };
                while stack.len() > depth + 1 {
                    close(stack, &mut done);
                }
                if let Some(Open { call, .. }) = stack.last_mut() {
                    call.end = Some(mark.time);
                    call.outcome = Outcome::new(ret, known.get(mark.function as usize));
                }
                close(stack, &mut done);
            }
        }
    }
    for mut stack in open.into_values() {
        while !stack.is_empty() {
            close(&mut stack, &mut done);
        }
    }
    done.calls.sort_by_key(|call| call.start);
    done
}

/// Where in its caller a call returns to, if it returns there.
fn site(caller: &Open, from: u64, known: &[ProbedFunction]) -> Option<u32> {
    let size = known.get(caller.call.function as usize)?.size;
    let offset = u32::try_from(from.wrapping_sub(caller.at)).ok()?;
    (offset > 0 && offset <= size).then_some(offset)
}

/// The innermost open call goes to its caller, or is one that nobody in sight called.
fn close(stack: &mut Vec<Open>, done: &mut Forest) {
    let Some(Open { call, .. }) = stack.pop() else { return };
    if stack.len() >= DEPTH {
        done.deeper += 1;
    } else if let Some(caller) = stack.last_mut() {
        caller.call.calls.push(call);
    } else {
        done.calls.push(call);
    }
}

/// How a task spent the time of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// All of it.
    pub total: Nanos,
    /// It slept, or had been woken and waited for a processor.
    pub asleep: Nanos,
    /// It could have gone on and had no processor.
    pub preempted: Nanos,
}

impl Spent {
    /// Adds that of another call.
    pub(super) fn add(&mut self, other: Self) {
        let sum = |one: Nanos, other: Nanos| Nanos(one.0.saturating_add(other.0));
        *self = Self {
            total: sum(self.total, other.total),
            asleep: sum(self.asleep, other.asleep),
            preempted: sum(self.preempted, other.preempted),
        };
    }

    /// The rest.
    pub fn running(&self) -> Nanos {
        Nanos(
            self.total
                .0
                .saturating_sub(self.asleep.0)
                .saturating_sub(self.preempted.0),
        )
    }
}

impl Call {
    /// From entry to return.
    pub fn duration(&self) -> Option<Nanos> {
        Some(self.end?.since(self.start))
    }

    /// The errno that it returned, positive.
    pub fn errno(&self) -> Option<u32> {
        self.outcome.errno()
    }

    /// How its task spent it; `off_cpu` is what is known of that task. None for a call without an end.
    pub fn spent(&self, off_cpu: &[OffCpu]) -> Option<Spent> {
        let end = self.end?;
        let mut spent = Spent {
            total: end.since(self.start),
            ..Spent::default()
        };
        let first = off_cpu.partition_point(|off| off.span.end.is_some_and(|end| end <= self.start));
        for off in off_cpu.iter().skip(first).take_while(|off| off.span.start < end) {
            let until = off.span.end.unwrap_or(end).min(end);
            let lasted = until.since(off.span.start.max(self.start));
            let sum = if off.preempted {
                &mut spent.preempted
            } else {
                &mut spent.asleep
            };
            sum.0 = sum.0.saturating_add(lasted.0);
        }
        Some(spent)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Span;

    fn mark(time: u64, tid: u32, function: u32, ret: Option<i64>) -> CallMark {
        CallMark {
            time: Ktime(time),
            tid: Tid(tid),
            function,
            edge: ret.map_or(CallEdge::Enter { at: 0, from: 0 }, |ret| CallEdge::Exit(Some(ret))),
        }
    }

    fn count(calls: &[Call]) -> usize {
        calls.iter().map(|call| 1 + count(&call.calls)).sum()
    }

    fn shape(calls: &[Call]) -> String {
        let one = |call: &Call| format!("{}({})", call.function, shape(&call.calls));
        calls.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn calls_lie_in_their_callers() {
        let marks = [
            mark(1, 1, 0, None),
            mark(2, 1, 1, None),
            mark(3, 2, 7, None),
            mark(4, 1, 1, Some(0)),
            mark(5, 1, 2, None),
            mark(6, 1, 3, None),
            mark(7, 1, 3, Some(-19)),
            mark(8, 1, 2, Some(-19)),
            mark(9, 1, 0, Some(0xffff_ffed)),
            mark(10, 2, 7, Some(0)),
        ];
        let calls = forest(&marks, &[]).calls;
        assert_eq!(shape(&calls), "0(1() 2(3())) 7()");
        assert_eq!(calls[0].errno(), Some(19));
        assert_eq!(calls[0].duration(), Some(Nanos(8)));
        assert_eq!(calls[0].calls[0].errno(), None);
    }

    #[test]
    fn what_was_missed_does_not_spoil_the_rest() {
        // The return of 1 was missed, and the entry of 9.
        let marks = [
            mark(1, 1, 0, None),
            mark(2, 1, 1, None),
            mark(3, 1, 2, None),
            mark(4, 1, 2, Some(0)),
            mark(5, 1, 9, Some(0)),
            mark(6, 1, 0, Some(0)),
        ];
        let calls = forest(&marks, &[]).calls;
        assert_eq!(shape(&calls), "0(1(2()))");
        assert_eq!(calls[0].calls[0].end, None);
        // A function that calls itself.
        let marks = [
            mark(1, 1, 0, None),
            mark(2, 1, 0, None),
            mark(3, 1, 0, Some(1)),
            mark(4, 1, 0, Some(2)),
        ];
        let calls = forest(&marks, &[]).calls;
        assert_eq!((shape(&calls).as_str(), calls[0].end), ("0(0())", Some(Ktime(4))));
    }

    #[test]
    fn calls_that_no_stack_holds_are_counted() {
        let entries = 1..=DEPTH as u64 + 10;
        let returns = [mark(1_000, 1, 9, Some(-19)), mark(1_001, 1, 1, Some(-19))];
        let deep = entries.map(|time| mark(time, 1, u32::try_from(time).unwrap(), None));
        let found = forest(&deep.chain(returns).collect::<Vec<_>>(), &[]);
        assert_eq!((count(&found.calls), found.deeper), (DEPTH, 10));
        assert_eq!(found.calls[0].end, Some(Ktime(1_001)));
    }

    fn entry(time: u64, function: u32, at: u64, from: u64) -> CallMark {
        CallMark {
            time: Ktime(time),
            tid: Tid(1),
            function,
            edge: CallEdge::Enter { at, from },
        }
    }

    #[test]
    fn a_call_is_made_where_it_returns_to() {
        let known = [ProbedFunction {
            size: 0x40,
            ..ProbedFunction::default()
        }];
        let site = |from| forest(&[entry(1, 0, 1000, 7), entry(2, 1, 90, from)], &known).calls[0].calls[0].site;
        assert_eq!(site(1005), Some(5));
        assert_eq!(site(1064), Some(64));
        // From somewhere else.
        assert_eq!(site(1000), None);
        assert_eq!(site(1065), None);
        assert_eq!(site(999), None);
    }

    #[test]
    fn time_is_spent_running_asleep_or_waiting_for_a_processor() {
        let off = |start, end: Option<u64>, preempted| OffCpu {
            span: Span {
                start: Ktime(start),
                end: end.map(Ktime),
            },
            preempted,
        };
        let offs = [
            off(0, Some(5), false),
            off(8, Some(12), false),
            off(14, Some(15), true),
            off(19, None, false),
        ];
        let marks = [mark(10, 1, 0, None), mark(20, 1, 0, Some(0))];
        let spent = forest(&marks, &[]).calls[0].spent(&offs).unwrap();
        assert_eq!((spent.asleep, spent.preempted), (Nanos(3), Nanos(1)));
        assert_eq!((spent.total, spent.running()), (Nanos(10), Nanos(6)));
    }

    proptest! {
        #[test]
        fn every_entry_is_somewhere(marks in prop::collection::vec((0_u32..3, 0_u32..4, prop::option::of(-30_i64..3)), 0..60)) {
            let marks: Vec<CallMark> = (0..).zip(marks).map(|(time, (tid, function, ret))| mark(time, tid, function, ret)).collect();
            let entries = marks.iter().filter(|mark| matches!(mark.edge, CallEdge::Enter { .. })).count();
            prop_assert_eq!(count(&forest(&marks, &[]).calls), entries);
        }
    }
}
