//! Where a load spent its time: the way down through the calls that took most of it.

use super::tree::{Call, Spent};
use super::wording::FunctionNames;
use crate::model::OffCpu;
use crate::text::span_text;

/// Calls of one function within one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowStep<'c> {
    /// They, in order; at least one.
    pub calls: Vec<&'c Call>,
    /// How their time was spent.
    pub spent: Spent,
}

/// From the call that took longest down: at each step the calls of that function which took the most time together, as long as
/// that is half of the time above it.
pub fn slowest<'c>(calls: &[&'c Call], off_cpu: &[OffCpu]) -> Vec<SlowStep<'c>> {
    let mut path: Vec<SlowStep<'c>> = Vec::new();
    let mut calls = calls.to_vec();
    while let Some(step) = longest(&calls, off_cpu) {
        let above = path.last().map_or(0, |above| above.spent.total.0);
        if step.spent.total.0 == 0 || step.spent.total.0 < above / 2 {
            break;
        }
        calls = step.calls.iter().flat_map(|call| &call.calls).collect();
        path.push(step);
    }
    path
}

fn longest<'c>(calls: &[&'c Call], off_cpu: &[OffCpu]) -> Option<SlowStep<'c>> {
    let mut steps: Vec<SlowStep<'c>> = Vec::new();
    for call in calls {
        let Some(spent) = call.spent(off_cpu) else { continue };
        match steps.iter_mut().find(|step| step.calls[0].function == call.function) {
            Some(step) => {
                step.calls.push(call);
                step.spent.add(spent);
            }
            None => steps.push(SlowStep {
                calls: vec![call],
                spent,
            }),
        }
    }
    steps.into_iter().max_by_key(|step| step.spent.total)
}

/// `init_xfs_fs 34.1ms, in it xfs_init_caches 20.0ms in 3 calls; of that 15.0ms running, 4.0ms asleep, 1.0ms waiting for a
/// processor`.
pub(super) fn slowest_text(path: &[SlowStep<'_>], names: FunctionNames<'_>) -> Option<String> {
    let spent = path.last()?.spent;
    let step = |step: &SlowStep<'_>| {
        let name = names.name(step.calls[0].function);
        let took = span_text(step.spent.total.0);
        match step.calls.len() {
            1 => format!("{name} {took}"),
            count => format!("{name} {took} in {count} calls"),
        }
    };
    let way = path.iter().map(step).collect::<Vec<_>>().join(", in it ");
    let parts = [
        (spent.running(), "running"),
        (spent.asleep, "asleep"),
        (spent.preempted, "waiting for a processor"),
    ];
    let parts = parts.iter().filter(|(time, _)| time.0 > 0);
    let parts: Vec<String> = parts
        .map(|(time, what)| format!("{} {what}", span_text(time.0)))
        .collect();
    Some(format!("{way}; of that {}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Ktime, Outcome, ProbedFunction, Span, Tid};

    fn call(function: u32, start: u64, end: u64, calls: Vec<Call>) -> Call {
        Call {
            function,
            tid: Tid(1),
            start: Ktime(start),
            end: Some(Ktime(end)),
            outcome: Outcome::Nothing,
            site: None,
            calls,
        }
    }

    #[test]
    fn goes_down_where_most_of_the_time_went() {
        let small = vec![
            call(2, 10, 30, vec![]),
            call(3, 30, 60, vec![]),
            call(2, 60, 90, vec![]),
        ];
        let init = call(0, 0, 120, vec![call(1, 5, 100, small)]);
        let off = [OffCpu {
            span: Span {
                start: Ktime(15),
                end: Some(Ktime(25)),
            },
            preempted: false,
        }];
        let known: Vec<ProbedFunction> = ["init", "first", "twice", "once"]
            .map(|name| ProbedFunction {
                module: Some("m".into()),
                name: name.into(),
                ..ProbedFunction::default()
            })
            .into();
        let names = FunctionNames {
            known: &known,
            module: Some("m"),
        };
        let told = |calls: &[&Call]| slowest_text(&slowest(calls, &off), names);
        assert_eq!(
            told(&[&init]).as_deref(),
            Some("init 120ns, in it first 95ns, in it twice 50ns in 2 calls; of that 40ns running, 10ns asleep")
        );
        assert_eq!(told(&[]), None);
    }
}
