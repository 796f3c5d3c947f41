//! Which stage an attempt was in, and since when: what a pile-up says of its owner.

use crate::attempt::{Attempt, Edge};
use crate::function::Function;
use crate::stage::Stage;
use crate::units::Ktime;

/// The stages of an attempt with the instants at which they began, in order. After a function has returned, its caller's
/// stage goes on.
pub(super) fn of(attempt: &Attempt) -> Vec<(Ktime, Stage)> {
    let mut stages: Vec<(Ktime, Stage)> = Vec::new();
    let mut begin = |time: Ktime, stage: Stage| {
        if stages.last().is_none_or(|(_, last)| *last != stage) {
            stages.push((time, stage));
        }
    };
    if let Some(start) = attempt.start {
        begin(start, Stage::Entry);
    }
    if attempt.trail.is_empty() {
        for (time, stage) in of_spans(attempt) {
            begin(time, stage);
        }
        return stages;
    }
    let mut inside: Vec<Function> = Vec::new();
    for mark in &attempt.trail {
        match mark.edge {
            Edge::Enter => inside.push(mark.function),
            Edge::Exit(_) => {
                // An exit whose entry was lost takes nothing off.
                if let Some(at) = inside.iter().rposition(|function| *function == mark.function) {
                    inside.truncate(at);
                }
            }
            Edge::Passed => {
                begin(mark.time, mark.function.stage());
                continue;
            }
        }
        begin(
            mark.time,
            inside.last().map_or(Stage::Entry, |function| function.stage()),
        );
    }
    stages
}

/// What the spans say where there is no trail.
fn of_spans(attempt: &Attempt) -> Vec<(Ktime, Stage)> {
    let mut all = Vec::new();
    if let Some(load) = attempt.load {
        all.push((load.start, Stage::Checks));
    }
    if let Some(init) = &attempt.init {
        all.push((init.span.start, Stage::Init));
        all.extend(init.span.end.map(|end| (end, Stage::Async)));
    }
    all.sort_unstable();
    all
}
