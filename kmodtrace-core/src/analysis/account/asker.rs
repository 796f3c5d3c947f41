//! Who asked for loads: programs, and requests of the kernel on behalf of programs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Attempt, LOADERS, Request, RequestId, entry_or, kind_of_task};

/// Askers that are told apart; the rest is one.
const KEPT: usize = 1_024;
/// Requests that are remembered by the attempts made for them.
const REQUESTS: usize = 4_096;

/// A program that asked for loads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Asker {
    /// Name of the program; `(others)` for those that are too many to be told apart. Of a modprobe it is who started it.
    pub comm: String,
    /// Whether the kernel asked on its behalf, by a request; otherwise the program called modprobe or the kernel itself.
    pub by_request: bool,
    /// Loads.
    pub loads: u64,
    /// Nanoseconds that these loads took, added up.
    pub task_ns: u64,
}

#[derive(Debug, Default)]
pub(super) struct Askers {
    all: BTreeMap<(String, bool), (u64, u64)>,
    /// Loads of helpers, by request: the request is handed out after them.
    helpers: BTreeMap<RequestId, (u64, u64)>,
}

impl Askers {
    pub(super) fn attempt(&mut self, attempt: &Attempt, long: u64) {
        if let Some(request) = attempt.request {
            let loads = self.helpers.entry(request).or_default();
            loads.0 += 1;
            loads.1 = loads.1.saturating_add(long);
            if self.helpers.len() > REQUESTS
                && let Some((_, loads)) = self.helpers.pop_first()
            {
                self.count("(unknown)", true, loads);
            }
            return;
        }
        let parent = attempt
            .parent
            .as_ref()
            .filter(|_| LOADERS.contains(&attempt.comm.as_str()));
        let comm = parent.map_or(attempt.comm.as_str(), |parent| parent.comm.as_str());
        self.count(if comm.is_empty() { "(unknown)" } else { comm }, false, (1, long));
    }

    pub(super) fn request(&mut self, request: &Request) {
        if let Some(loads) = self.helpers.remove(&request.id) {
            self.count(&request.comm, true, loads);
        }
    }

    fn count(&mut self, comm: &str, by_request: bool, (loads, long): (u64, u64)) {
        let key = (kind_of_task(comm).to_owned(), by_request);
        let others = |(_, by_request)| ("(others)".to_owned(), by_request);
        let known = entry_or(&mut self.all, KEPT, key, others).or_default();
        known.0 += loads;
        known.1 = known.1.saturating_add(long);
    }

    pub(super) fn list(mut self) -> Vec<Asker> {
        for loads in std::mem::take(&mut self.helpers).into_values() {
            self.count("(unknown)", true, loads);
        }
        let all = self.all.into_iter();
        let mut all: Vec<Asker> = all
            .map(|((comm, by_request), (loads, task_ns))| Asker {
                comm,
                by_request,
                loads,
                task_ns,
            })
            .collect();
        all.sort_by_key(|asker| std::cmp::Reverse((asker.task_ns, asker.loads)));
        all
    }
}
