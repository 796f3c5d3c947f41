//! What finished last, one by one: enough to look into, and no more memory than that.

use std::collections::{BTreeMap, VecDeque};

use super::Recent;
use crate::analysis::aggregate;
use crate::model::{Attempt, AttemptId, Finished, ModuleState, Name, Request, RequestId, StateSpan};

/// Attempts that are kept at most, requests too, and GOING windows.
const KEPT: usize = 2_048;
/// What all kept attempts may take together, in marks: some 5 MiB.
const MARKS: usize = 200_000;
/// Durations of a module that its row shows.
const RECENT: usize = 16;

/// The last attempts, requests and GOING windows.
#[derive(Debug, Default)]
pub(super) struct History {
    attempts: VecDeque<Box<Attempt>>,
    marks: usize,
    requests: VecDeque<Box<Request>>,
    going: VecDeque<StateSpan>,
    recent: BTreeMap<Option<Name>, VecDeque<Recent>>,
    folded: u64,
}

impl History {
    /// Keeps it, and forgets the oldest.
    pub(super) fn add(&mut self, finished: Finished) {
        match finished {
            Finished::Attempt(attempt) => self.attempt(attempt),
            Finished::Request(request) => {
                self.requests.push_back(request);
                if self.requests.len() > KEPT {
                    self.requests.pop_front();
                    self.folded += 1;
                }
            }
            Finished::State(span) if span.state == ModuleState::Going => {
                self.going.push_back(span);
                if self.going.len() > KEPT {
                    self.going.pop_front();
                }
            }
            Finished::State(_) | Finished::Call(_) => {}
        }
    }

    fn attempt(&mut self, mut attempt: Box<Attempt>) {
        if !attempt.is_unload() {
            self.recent(&attempt);
        }
        attempt.trail.shrink_to_fit();
        self.marks += attempt.marks();
        self.attempts.push_back(attempt);
        while self.attempts.len() > KEPT || self.marks > MARKS && self.attempts.len() > 1 {
            let Some(oldest) = self.attempts.pop_front() else { break };
            self.marks -= oldest.marks();
            self.folded += 1;
        }
    }

    fn recent(&mut self, attempt: &Attempt) {
        let has_row = self.recent.len() < aggregate::KEPT;
        let recent = match self.recent.get_mut(&attempt.module) {
            Some(recent) => recent,
            None if has_row => self.recent.entry(attempt.module.clone()).or_default(),
            // One of the others, which have one row.
            None => return,
        };
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back(Recent {
            duration_ns: attempt.duration().map(|long| long.0),
            failed: attempt.failed(),
        });
    }

    /// Attempts, in the order in which they returned.
    pub(super) fn attempts(&self) -> impl DoubleEndedIterator<Item = &Attempt> {
        self.attempts.iter().map(|attempt| &**attempt)
    }

    /// Requests, in the order in which they were answered.
    pub(super) fn requests(&self) -> impl DoubleEndedIterator<Item = &Request> {
        self.requests.iter().map(|request| &**request)
    }

    /// GOING windows, in the order in which they closed.
    pub(super) fn going(&self) -> impl Iterator<Item = &StateSpan> {
        self.going.iter()
    }

    /// The attempt of this number, if it is kept.
    pub(super) fn attempt_of(&self, id: AttemptId) -> Option<&Attempt> {
        self.attempts().rev().find(|attempt| attempt.id == id)
    }

    /// The request of this number, if it is kept.
    pub(super) fn request_of(&self, id: RequestId) -> Option<&Request> {
        self.requests().rev().find(|request| request.id == id)
    }

    /// The last loads of a module, the latest last.
    #[expect(clippy::ref_option, reason = "it is the key of the map")]
    pub(super) fn recent_of(&self, module: &Option<Name>) -> Vec<Recent> {
        let recent = self.recent.get(module);
        recent.map_or_else(Vec::new, |recent| recent.iter().copied().collect())
    }

    /// Copies of all attempts and requests.
    pub(super) fn owned(&self) -> Vec<Finished> {
        let attempts = self
            .attempts()
            .cloned()
            .map(|attempt| Finished::Attempt(Box::new(attempt)));
        let requests = self
            .requests()
            .cloned()
            .map(|request| Finished::Request(Box::new(request)));
        attempts.chain(requests).collect()
    }

    /// How many attempts and requests there are.
    pub(super) fn kept(&self) -> usize {
        self.attempts.len() + self.requests.len()
    }

    /// How many were forgotten.
    pub(super) fn folded(&self) -> u64 {
        self.folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::graph::fixture::attempt;

    #[test]
    fn only_modules_with_a_row_have_durations() {
        let mut history = History::default();
        for id in 0..aggregate::KEPT as u64 + 10 {
            history.add(Finished::Attempt(Box::new(attempt(id, &format!("m{id}"), 0, 1))));
        }
        assert_eq!(history.recent.len(), aggregate::KEPT);
    }
}
