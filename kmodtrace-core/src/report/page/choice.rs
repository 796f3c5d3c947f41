//! What a page has room for: the longest of what there is, and how much that leaves out.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use crate::report::{AttemptRow, Report, RequestRow, Rows};

/// Loads, and unloads, and requests that a page has room for, each.
const KEPT: usize = 4_000;

/// The longest of a report's rows, and the time that all of them take up.
pub(super) struct Choice {
    pub(super) loads: Longest,
    pub(super) unloads: Longest,
    pub(super) requests: Longest,
    /// From the first instant to the last, nanoseconds of `CLOCK_MONOTONIC`; none where nothing was seen to begin.
    pub(super) window: Option<(u64, u64)>,
}

/// The longest of some rows by their `id`. Those that had not returned are longer than any.
#[derive(Default)]
pub(super) struct Longest {
    heap: BinaryHeap<Reverse<(u64, Reverse<u64>)>>,
    all: usize,
}

impl Choice {
    pub(super) fn new(report: &Report) -> Self {
        let mut choice = Self {
            loads: Longest::default(),
            unloads: Longest::default(),
            requests: Longest::default(),
            window: None,
        };
        for (rows, longest) in [
            (&report.attempts, &mut choice.loads),
            (&report.unloads, &mut choice.unloads),
        ] {
            for row in rows.iter().flat_map(Rows::iter) {
                longest.add(row.id, row.duration_ns);
                widen(&mut choice.window, row.start_ns, row.end_ns);
            }
        }
        for row in report.requests.iter().flat_map(Rows::iter) {
            choice.requests.add(row.id, row.duration_ns);
            widen(&mut choice.window, row.start_ns, row.end_ns);
        }
        choice
    }

    /// The report with these rows alone.
    pub(super) fn of(&self, report: &Report) -> Report {
        Report {
            attempts: self.loads.of(report.attempts.as_ref(), |row: &AttemptRow| row.id),
            unloads: self.unloads.of(report.unloads.as_ref(), |row: &AttemptRow| row.id),
            requests: self.requests.of(report.requests.as_ref(), |row: &RequestRow| row.id),
            ..report.clone()
        }
    }
}

fn widen(window: &mut Option<(u64, u64)>, start: Option<u64>, end: Option<u64>) {
    for time in [start, end].into_iter().flatten() {
        let (from, to) = window.unwrap_or((time, time));
        *window = Some((from.min(time), to.max(time)));
    }
}

impl Longest {
    fn add(&mut self, id: u64, duration: Option<u64>) {
        self.all += 1;
        self.heap.push(Reverse((duration.unwrap_or(u64::MAX), Reverse(id))));
        if self.heap.len() > KEPT {
            self.heap.pop();
        }
    }

    pub(super) fn ids(&self) -> BTreeSet<u64> {
        self.heap.iter().map(|Reverse((_, Reverse(id)))| *id).collect()
    }

    fn of<T: Clone + 'static>(&self, rows: Option<&Rows<T>>, id: fn(&T) -> u64) -> Option<Rows<T>> {
        let (rows, ids) = (rows?.clone(), Arc::new(self.ids()));
        Some(Rows::new(move || {
            let ids = Arc::clone(&ids);
            rows.iter().filter(move |row| ids.contains(&id(row)))
        }))
    }

    /// What is left out, in words.
    pub(super) fn left_out(&self, what: &str) -> Option<String> {
        (self.all > KEPT).then(|| {
            format!(
                "These are the {KEPT} longest of {} {what}: --format json --attempts has all.",
                self.all
            )
        })
    }
}
