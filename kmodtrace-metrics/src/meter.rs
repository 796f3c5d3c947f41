//! Records in, sums out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use kmodtrace_core::analysis::aggregate::Aggregates;
use kmodtrace_core::analysis::origin::{self, KnownAttempt};
use kmodtrace_core::model::{Attempt, AttemptId, Finished, Request};
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::plan::{Coverage, Observed};
use kmodtrace_core::recording::{Header, Kernel};
use kmodtrace_core::records::decode::DecodeError;
use kmodtrace_core::records::order::Loss;
use kmodtrace_core::report::Source;

use crate::names::{OTHERS, errno_name};

/// Attempts that the origin of another one's errno may lead to: a load that was shared returns just before those that shared it.
const RECENT: usize = 4_096;
/// Errnos and functions that are told apart, where the functions are of modules.
const ORIGINS: usize = 256;

/// Sums of all that finished, and what is in flight. Its memory has a bound, however long it runs.
#[derive(Debug)]
pub struct Meter {
    pipeline: Pipeline,
    pub(crate) aggregates: Aggregates,
    pub(crate) coverage: Coverage,
    pub(crate) kernel: Kernel,
    /// The machine's name and what was said of it, as labels; empty where nothing was.
    pub(crate) target: BTreeMap<String, String>,
    /// When tracing began, nanoseconds since 1970.
    pub(crate) start_ns: u64,
    /// Loads that failed by errno and by the function that returned it first.
    pub(crate) failures: BTreeMap<(String, String), u64>,
    /// Records lost.
    pub(crate) lost: u64,
    /// Runs of probes that the kernel skipped. None while tracing goes on: asking the kernel for them makes it skip more.
    pub(crate) missed: Option<u64>,
    recent: BTreeMap<AttemptId, KnownAttempt>,
}

impl Meter {
    /// Nothing yet of what this header announces. It will tell apart this many names of modules, and of requests.
    pub fn new(header: &Header, names: usize) -> Self {
        let tags = header.tags.iter().map(|(name, value)| (tag_label(name), value.clone()));
        let host = header.host.iter().map(|host| ("host".to_owned(), host.clone()));
        Self {
            pipeline: Pipeline::default(),
            aggregates: Aggregates::of_at_most(names),
            coverage: Source::of_header(header).coverage,
            kernel: header.kernel.clone(),
            target: tags.chain(host).collect(),
            start_ns: header.clock.realtime_ns,
            failures: BTreeMap::new(),
            lost: 0,
            missed: None,
            recent: BTreeMap::new(),
        }
    }

    /// Takes one record, as the ring held it.
    pub fn push(&mut self, record: &[u8]) -> Result<(), DecodeError> {
        self.pipeline.push(record)?;
        self.take();
        // Not the gaps in the numbers: records that are on their way look as if they were lost.
        self.lost = self.lost.max(self.loss().counters().dropped);
        Ok(())
    }

    /// No more records come, as at the end of a recording. What is in flight stays so.
    pub fn flush(&mut self) {
        self.pipeline.flush();
        self.take();
        self.lost = self.lost.max(self.loss().lost());
        self.missed = Some(self.loss().counters().missed);
    }

    /// What is known to be missing.
    pub fn loss(&self) -> &Loss {
        self.pipeline.loss()
    }

    pub(crate) fn observed(&self, what: Observed) -> bool {
        self.coverage.observed(what)
    }

    pub(crate) fn in_flight(&self) -> impl Iterator<Item = &Attempt> {
        self.pipeline.session().in_flight().map(|one| one.attempt)
    }

    pub(crate) fn requests_in_flight(&self) -> impl Iterator<Item = &Request> {
        self.pipeline.session().requests_in_flight()
    }

    fn take(&mut self) {
        for finished in self.pipeline.take() {
            self.aggregates.add(&finished);
            if let Finished::Attempt(attempt) = &finished
                && !attempt.is_unload()
            {
                self.add_load(attempt);
            }
        }
    }

    fn add_load(&mut self, attempt: &Attempt) {
        if let Some(origin) = origin::of(attempt, &self.coverage, |id| self.recent.get(&id).cloned()) {
            let is_of_module = matches!(origin.function, Cow::Owned(_));
            let mut key = (errno_name(origin.errno).into_owned(), origin.function.into_owned());
            // Functions of modules have whatever names; those of the loader are few, and keep theirs however many modules fail.
            if is_of_module && self.failures.len() >= ORIGINS && !self.failures.contains_key(&key) {
                OTHERS.clone_into(&mut key.1);
            }
            *self.failures.entry(key).or_default() += 1;
        }
        let known = KnownAttempt {
            task: attempt.task(),
            errno: attempt.errno,
        };
        self.recent.insert(attempt.id, known);
        if self.recent.len() > RECENT {
            self.recent.pop_first();
        }
    }
}

/// The label of a tag. Recordings of others may have names that no label can have.
fn tag_label(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("tag_{}", name.chars().map(plain).collect::<String>())
}
