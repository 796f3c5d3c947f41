//! What somebody looks at while it happens: a session as it stands, live or at a point of a recording.
//!
//! A [`Monitor`] takes records and keeps what views need: sums of all that finished, the last few thousand attempts and
//! requests themselves, and what is in flight. A [`Picture`] is what one view shows of it at one instant; views read it and
//! nothing else. Memory is bounded, however long it runs: attempts beyond those kept are in the sums only, and the head of
//! every picture says how many.

mod chain;
mod evidence;
mod history;
mod lanes;
mod module;
mod modules;
mod now;
mod probes;
mod rate;
mod requests;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests;

use crate::analysis::aggregate::Aggregates;
use crate::analysis::findings::{Finding, Findings};
use crate::analysis::graph::{Cycle, Tree, lasting, write_text};
use crate::kernel::facts::Environment;
use crate::model::{Finished, Ktime, Nanos, ProbedFunction, Request, RequestId, Span, Zero};
use crate::pipeline::Pipeline;
use crate::recording::Header;
use crate::records::decode::DecodeError;
use crate::records::order::Loss;
use crate::report::{KernelRow, KnownAttempts, Quality, Report, Selection, Source};
pub use evidence::{EvidenceNow, Shown};
use history::History;
pub use lanes::{Lane, LaneWait, Lanes, StagePiece, Window};
pub use module::{Bars, Hit, ModuleDetail, StageShare};
pub use modules::{ModuleNow, Recent};
pub use now::{NowRow, OwnerNow, WaitNow};
pub use probes::ProbeLine;
use rate::Rate;
pub use requests::{RequestNow, RequestsNow};

/// A wait that may be part of a deadlock: the watch of waits that last looks as often.
const LONG: Nanos = Nanos(1_000_000_000);

/// Everything that has been seen, as far as it is kept.
#[derive(Debug)]
pub struct Monitor {
    pipeline: Pipeline,
    source: Source,
    probes: Vec<ProbeLine>,
    /// When tracing began.
    start: Ktime,
    /// Functions of modules that were asked for, by their numbers.
    functions: Vec<ProbedFunction>,
    environment: Option<Environment>,
    aggregates: Aggregates,
    findings: Findings,
    history: History,
    rate: Rate,
    attempts: u64,
    failed: u64,
}

/// What a picture is to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// A row for each module.
    #[default]
    Modules,
    /// What is in flight.
    Now,
    /// One module.
    Module(Option<String>),
    /// Who waits for whom.
    Graph,
    /// Requests of the kernel, and the chain of this one.
    Requests(Option<u64>),
    /// Findings.
    Findings,
    /// What this one of them rests on, counted from 0.
    Evidence(usize),
    /// Probes, and what is not observed.
    Probes,
    /// Attempts as lanes.
    Lanes(Window),
}

/// What one view shows, as of one instant.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What every view shows.
    pub head: Head,
    /// The view itself.
    pub body: Body,
}

/// What every view shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// The traced kernel.
    pub kernel: KernelRow,
    /// When tracing began, nanoseconds of `CLOCK_MONOTONIC`.
    pub start_ns: u64,
    /// From there to what is shown.
    pub elapsed: Nanos,
    /// Loads and unloads that returned.
    pub attempts: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Loads and unloads each second, over the last ten seconds of events.
    pub per_second: f64,
    /// Loads and unloads in flight.
    pub in_flight: usize,
    /// Those of them that wait for somebody.
    pub waiting: usize,
    /// Deadlocks that last.
    pub deadlocks: usize,
    /// Findings so far.
    pub findings: usize,
    /// What is missing.
    pub quality: Quality,
    /// Attempts and requests that are kept one by one.
    pub kept: usize,
    /// Attempts and requests that are in the sums only.
    pub folded: u64,
}

/// A view.
#[derive(Clone, Debug)]
pub enum Body {
    /// A row for each module.
    Modules(Vec<ModuleNow>),
    /// What is in flight, oldest first.
    Now(Vec<NowRow>),
    /// One module; none when nothing is known of it.
    Module(Option<Box<ModuleDetail>>),
    /// Who waits for whom.
    Graph(GraphNow),
    /// Requests of the kernel; none when nobody watched.
    Requests(Option<RequestsNow>),
    /// Findings.
    Findings(Vec<Finding>),
    /// What one of them rests on; none when there is no such one.
    Evidence(Option<EvidenceNow>),
    /// Every probe.
    Probes(Vec<ProbeLine>),
    /// Attempts as lanes.
    Lanes(Lanes),
}

/// Who waits for whom, and who did.
#[derive(Clone, Debug)]
pub struct GraphNow {
    /// What is in flight.
    pub tree: Tree,
    /// What finished, as `kmodtrace graph` tells it.
    pub so_far: Vec<String>,
}

impl Monitor {
    /// Nothing seen yet of what this header announces.
    pub fn new(header: &Header) -> Self {
        Self {
            pipeline: Pipeline::default(),
            source: Source::of_header(header),
            probes: probes::of_plan(&header.plan),
            start: header.clock.monotonic_ns,
            functions: header.functions.clone(),
            environment: header.environment(),
            aggregates: Aggregates::default(),
            findings: Findings::default(),
            history: History::default(),
            rate: Rate::default(),
            attempts: 0,
            failed: 0,
        }
    }

    /// Takes one record, as the ring held it.
    pub fn push(&mut self, record: &[u8]) -> Result<(), DecodeError> {
        self.pipeline.push(record)?;
        self.take();
        Ok(())
    }

    /// Nothing more is to come for now, as at the end of a recording. What is in flight stays so.
    pub fn flush(&mut self) {
        self.pipeline.flush();
        self.take();
    }

    /// Why there is no more, where it should not have ended here.
    pub fn truncated(&mut self, why: String) {
        self.source.truncated = Some(why);
    }

    /// What is known to be missing.
    pub fn loss(&self) -> &Loss {
        self.pipeline.loss()
    }

    /// The instant that it has come to.
    pub fn reached(&self) -> Ktime {
        self.pipeline.reached().max(self.start)
    }

    /// When tracing began.
    pub fn start(&self) -> Ktime {
        self.start
    }

    /// Whether time alone changes what is shown: something is in flight, or the rate has not come to rest.
    pub fn is_moving(&self) -> bool {
        let session = self.pipeline.session();
        session.in_flight().next().is_some()
            || session.requests_in_flight().next().is_some()
            || self.rate.per_second(self.start, self.reached()) > 0.0
    }

    /// What is shown now.
    pub fn picture(&self, focus: &Focus) -> Picture {
        let deadlocks = self.deadlocks();
        let findings = self.findings.list_with(&deadlocks);
        Picture {
            head: self.head(deadlocks.len(), findings.len()),
            body: self.body(focus, findings),
        }
    }

    /// The report of all that finished, with the attempts and requests that are kept.
    pub fn report(&self) -> Report {
        let selection = Selection::default();
        let history = self.history.owned();
        let known = KnownAttempts::of(&history, &selection);
        Report::new(&self.aggregates, &self.source(), &selection)
            .with_findings(self.findings.list(), &selection)
            .with_attempts(move || history.clone().into_iter(), known, &selection)
    }

    fn take(&mut self) {
        for finished in self.pipeline.take() {
            self.aggregates.add(&finished);
            self.findings.add(&finished);
            if let Finished::Attempt(attempt) = &finished {
                self.attempts += 1;
                self.failed += u64::from(attempt.failed());
                self.rate.add(attempt.end.unwrap_or_else(|| self.pipeline.reached()));
            }
            self.history.add(finished);
        }
    }

    fn graph(&self) -> GraphNow {
        let session = self.pipeline.session();
        let mut text = Vec::new();
        // Writing into memory does not fail.
        let _ = write_text(&self.findings.graph().so_far(), Zero::At(self.start), &mut text);
        GraphNow {
            tree: Tree::new(self.reached(), session.in_flight(), session.requests_in_flight()),
            so_far: String::from_utf8_lossy(&text).lines().map(str::to_owned).collect(),
        }
    }

    /// A request in flight, or one that is kept.
    fn request_of(&self, id: RequestId) -> Option<&Request> {
        let mut open = self.pipeline.session().requests_in_flight();
        open.find(|request| request.id == id)
            .or_else(|| self.history.request_of(id))
    }

    fn source(&self) -> Source {
        self.source.clone().with(self.pipeline.loss())
    }

    /// Deadlocks that last. Looked for once somebody has waited for a while: most waits end before anybody could look.
    fn deadlocks(&self) -> Vec<Cycle> {
        let session = self.pipeline.session();
        let reached = self.reached();
        let long = |span: Span| span.end.is_none() && reached.since(span.start) >= LONG;
        let slot = |request: &Request| request.slot.is_some_and(|slot| long(slot.span));
        let waits = session
            .in_flight()
            .any(|one| one.waits.is_some_and(|wait| long(wait.span)));
        if waits || session.requests_in_flight().any(slot) {
            lasting(session.in_flight(), session.requests_in_flight())
        } else {
            Vec::new()
        }
    }

    fn head(&self, deadlocks: usize, findings: usize) -> Head {
        let reached = self.reached();
        let session = self.pipeline.session();
        Head {
            kernel: self.source.kernel.clone(),
            start_ns: self.start.0,
            elapsed: reached.since(self.start),
            attempts: self.attempts,
            failed: self.failed,
            per_second: self.rate.per_second(self.start, reached),
            in_flight: session.in_flight().count(),
            waiting: session.in_flight().filter(|one| one.waits.is_some()).count(),
            deadlocks,
            findings,
            quality: Quality::new(&self.aggregates, &self.source()),
            kept: self.history.kept(),
            folded: self.history.folded(),
        }
    }

    fn body(&self, focus: &Focus, findings: Vec<Finding>) -> Body {
        match focus {
            Focus::Modules => Body::Modules(modules::rows(self)),
            Focus::Now => Body::Now(now::rows(self)),
            Focus::Module(name) => Body::Module(module::detail(self, name.as_deref()).map(Box::new)),
            Focus::Graph => Body::Graph(self.graph()),
            Focus::Requests(chain) => Body::Requests(requests::now(self, *chain)),
            Focus::Findings => Body::Findings(findings),
            Focus::Evidence(at) => Body::Evidence(
                findings
                    .into_iter()
                    .nth(*at)
                    .map(|finding| EvidenceNow::new(self, finding)),
            ),
            Focus::Probes => Body::Probes(self.probes.clone()),
            Focus::Lanes(window) => Body::Lanes(lanes::lanes(self, window)),
        }
    }
}
