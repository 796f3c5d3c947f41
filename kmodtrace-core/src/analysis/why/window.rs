//! The failures of the last while: what others refer to, until nobody can any more.

use std::collections::{BTreeMap, VecDeque};

use super::around::Around;
use crate::analysis::origin::{self, KnownAttempt, Origin};
use crate::model::{Attempt, AttemptId, Ktime, MARKS_KEPT, Name, Nanos, ProbedFunction, Request, RequestId, Zero};
use crate::plan::Coverage;

/// So many failures wait to be told; as many more are kept for those that refer to them.
pub(super) const SETTLED: usize = 4096;

/// A failure that waits to be told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    Attempt(AttemptId),
    Request(RequestId),
}

#[derive(Debug, Default)]
pub(super) struct Window {
    attempts: BTreeMap<AttemptId, Box<Attempt>>,
    requests: BTreeMap<RequestId, Box<Request>>,
    /// What all of them take.
    marks: usize,
    /// In the order in which they finished.
    waiting: VecDeque<Entry>,
    /// Slots that were held, by requests of any end.
    held: VecDeque<Held>,
    zero: Zero,
    coverage: Coverage,
    /// The list that modprobe looks modules up in, where it was not there.
    pub(super) missing_list: Option<String>,
    /// What else happened.
    pub(super) around: Around,
    /// Functions of modules that were asked for, by their numbers.
    pub(super) functions: Vec<ProbedFunction>,
}

/// A slot that a request held.
#[derive(Debug)]
struct Held {
    from: Ktime,
    to: Ktime,
    name: Name,
}

/// Who held the slots at an instant.
pub(super) struct Holders {
    pub(super) count: usize,
    /// How long the longest of them did, from its beginning to its end.
    pub(super) longest: Nanos,
    /// What they were for, where all were for the same.
    pub(super) name: Option<String>,
}

impl Window {
    /// Empty. `functions` and `coverage` are those of the recording.
    pub(super) fn new(zero: Zero, functions: &[ProbedFunction], coverage: Coverage) -> Self {
        Self {
            zero,
            coverage,
            functions: functions.to_vec(),
            ..Self::default()
        }
    }

    /// Adds a failed attempt; gives back the one that is forgotten for it.
    pub(super) fn attempt(&mut self, attempt: Box<Attempt>) -> Option<Box<Attempt>> {
        let id = attempt.id;
        self.waiting.push_back(Entry::Attempt(id));
        self.marks += attempt.marks();
        let replaced = self.attempts.insert(id, attempt);
        let gone = replaced.or_else(|| forgotten(&mut self.attempts));
        self.marks -= gone.as_ref().map_or(0, |gone| gone.marks());
        gone
    }

    /// Adds a request, failed or not: it held a slot. Gives back what is not kept.
    pub(super) fn request(&mut self, mut request: Box<Request>) -> Option<Box<Request>> {
        if let (Some(from), Some(to)) = (request.granted, request.end) {
            let name = request.name.clone();
            self.held.push_back(Held { from, to, name });
            if self.held.len() > 2 * SETTLED {
                self.held.pop_front();
            }
        }
        if !request.failed() && !request.got_nothing() {
            return Some(request);
        }
        request.stack = Vec::new();
        let id = request.id;
        self.waiting.push_back(Entry::Request(id));
        self.marks += request.marks();
        let replaced = self.requests.insert(id, request);
        let gone = replaced.or_else(|| forgotten(&mut self.requests));
        self.marks -= gone.as_ref().map_or(0, |gone| gone.marks());
        gone
    }

    /// Whether so much is remembered that all of it has to be told now, and forgotten.
    pub(super) fn is_full(&self) -> bool {
        self.marks > MARKS_KEPT
    }

    /// Forgets all failures.
    pub(super) fn forget(&mut self) {
        self.attempts.clear();
        self.requests.clear();
        self.marks = 0;
    }

    /// What is to be told now: enough came behind it.
    pub(super) fn due(&mut self) -> Option<Entry> {
        (self.waiting.len() > SETTLED).then(|| self.waiting.pop_front())?
    }

    /// The next of those that still wait.
    pub(super) fn oldest(&mut self) -> Option<Entry> {
        self.waiting.pop_front()
    }

    /// A failed attempt and where its errno came from, as long as it is remembered.
    pub(super) fn failed_attempt(&self, id: AttemptId) -> Option<(&Attempt, Origin)> {
        let attempt = self.attempts.get(&id)?;
        let mut origin = origin::of(attempt, &self.coverage, |id| self.known(id))?;
        if let Some(refusal) = self.around.refusal(attempt, &origin) {
            origin.causes = vec![refusal.cause];
        }
        Some((attempt, origin))
    }

    /// A failed request and where its answer came from.
    pub(super) fn failed_request(&self, id: RequestId) -> Option<(&Request, Origin)> {
        let request = self.requests.get(&id)?;
        Some((request, origin::of_request(request, |id| self.known(id))?))
    }

    fn known(&self, id: AttemptId) -> Option<KnownAttempt> {
        let attempt = self.attempts.get(&id)?;
        Some(KnownAttempt {
            task: attempt.task(),
            errno: attempt.errno,
        })
    }

    /// What is remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.attempts.len() + self.requests.len()
    }

    /// ` at 1.234 s`; nothing where the time is not known.
    pub(super) fn at(&self, time: Option<Ktime>) -> String {
        time.map_or_else(String::new, |time| format!(" at {}", self.seconds(time)))
    }

    /// An instant.
    pub(super) fn seconds(&self, time: Ktime) -> String {
        self.zero.text(time)
    }

    /// Who held the slots at this instant.
    pub(super) fn holders(&self, at: Ktime) -> Option<Holders> {
        let held: Vec<&Held> = self
            .held
            .iter()
            .filter(|held| held.from <= at && held.to >= at)
            .collect();
        let first = held.first()?;
        let longest = held.iter().map(|held| held.to.since(held.from)).max()?;
        let same = held.iter().all(|held| held.name == first.name);
        Some(Holders {
            count: held.len(),
            longest,
            name: same.then(|| first.name.to_string()),
        })
    }
}

/// The oldest, where there are too many.
fn forgotten<Id: Ord, Failed>(kept: &mut BTreeMap<Id, Failed>) -> Option<Failed> {
    let too_many = kept.len() > 2 * SETTLED;
    too_many.then(|| kept.pop_first())?.map(|(_, oldest)| oldest)
}
