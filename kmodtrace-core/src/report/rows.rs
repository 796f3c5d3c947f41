//! Rows that are made as they are written: there may be more of them than memory has room for.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::Selection;
use crate::analysis::origin::KnownAttempt;
use crate::model::{AttemptId, Finished, Request};

/// Attempts that rows of others can speak of, 40 MiB.
const KNOWN: usize = 1 << 18;

/// Rows that are made anew each time that they are gone through. In JSON an array.
#[derive(Clone)]
pub struct Rows<T>(Arc<dyn Fn() -> Box<dyn Iterator<Item = T>> + Send + Sync>);

impl<T> Rows<T> {
    pub(super) fn new<I: Iterator<Item = T> + 'static>(make: impl Fn() -> I + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || Box::new(make())))
    }

    /// Goes through them.
    pub fn iter(&self) -> impl Iterator<Item = T> + use<T> {
        (self.0)()
    }
}

impl<T: Serialize> Serialize for Rows<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<T: fmt::Debug> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What must be known of all that a session hands out before the first row can be made: a row says of the attempts that its own follows
/// from how they ended, and these may end later.
#[derive(Debug, Default)]
pub struct KnownAttempts {
    attempts: HashMap<AttemptId, (KnownAttempt, bool)>,
    left_out: u64,
    pub(super) loads: usize,
    pub(super) unloads: usize,
    pub(super) requests: usize,
}

impl KnownAttempts {
    /// What must be known of these.
    pub fn of<'f>(finished: impl IntoIterator<Item = &'f Finished>, selection: &Selection) -> Self {
        let mut known = Self::default();
        for one in finished {
            known.add(one, selection);
        }
        known
    }

    /// Adds what a session handed out.
    pub fn add(&mut self, finished: &Finished, selection: &Selection) {
        match finished {
            Finished::Attempt(attempt) => {
                let count = if attempt.is_unload() {
                    &mut self.unloads
                } else {
                    &mut self.loads
                };
                *count += 1;
                if self.attempts.len() >= KNOWN {
                    self.left_out += 1;
                    return;
                }
                let known = KnownAttempt {
                    task: attempt.task(),
                    errno: attempt.errno,
                };
                let selected = selection.modules.take(attempt.module.as_deref());
                self.attempts.insert(attempt.id, (known, selected));
            }
            Finished::Request(_) => self.requests += 1,
            Finished::State(_) | Finished::Call(_) => {}
        }
    }

    /// What is missing in the rows, where there were too many attempts to know all.
    pub fn missing(&self) -> Option<String> {
        (self.left_out > 0).then(|| {
            format!(
                "more than {KNOWN} attempts: rows say nothing of how {} others ended that theirs followed from",
                self.left_out
            )
        })
    }

    pub(super) fn attempt(&self, id: AttemptId) -> Option<KnownAttempt> {
        self.attempts.get(&id).map(|(known, _)| known.clone())
    }

    /// Whether the helper loaded or unloaded a selected module.
    pub(super) fn helped_selected(&self, request: &Request) -> bool {
        let mut made = request.helper.iter().flat_map(|helper| &helper.attempts);
        made.any(|id| self.attempts.get(id).is_some_and(|(_, selected)| *selected))
    }
}
