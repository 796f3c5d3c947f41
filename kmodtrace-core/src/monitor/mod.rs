//! What somebody looks at while it happens: a session as it stands, live or at a point of a recording.
//!
//! A [`Monitor`] takes records and keeps what views need: sums of all that finished, the last few thousand attempts and
//! requests themselves, and what is in flight. A [`Picture`] is what one view shows of it at one instant; views read it and
//! nothing else. Memory is bounded, however long it runs: attempts beyond those kept are in the sums only, and the head of
//! every picture says how many.

mod boot;
mod chain;
mod history;
mod lanes;
mod module;
mod modules;
mod now;
mod probes;
mod rate;
mod requests;
mod topic;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests;

use crate::analysis::aggregate::Aggregates;
use crate::analysis::findings::{Finding, Findings};
use crate::analysis::graph::{Cycle, Tree, lasting, write_text};
use crate::kernel::facts::Environment;
use crate::model::{Finished, Ktime, Nanos, ProbedFunction, Request, RequestId, Span, Zero};
use crate::pipeline::Pipeline;
use crate::recording::{BootMark, Header};
use crate::records::decode::DecodeError;
use crate::records::order::Loss;
use crate::report::{KernelRow, KnownAttempts, Quality, Report, Selection, Source};
pub use boot::part_of_boot;
use history::History;
pub use lanes::{Lane, LaneAttempt, LaneOf, LaneWait, Lanes, StagePiece, Window};
pub use module::{Bars, Hit, ModuleDetail, StageShare};
pub use modules::{ModuleNow, Recent};
pub use now::{NowRow, OwnerNow, WaitNow};
pub use probes::ProbeLine;
use rate::Rate;
pub use requests::{RequestNow, RequestsNow};
pub use topic::{Lead, Topic, TopicNow};

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
    /// What the boot passed, in the order of time.
    marks: Vec<BootMark>,
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
    /// A row for each module, and this one in detail.
    ModulesBeside(Option<String>),
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
    /// Something that was opened.
    Topic(Topic),
    /// Probes, and what is not observed.
    Probes,
    /// Attempts or tasks as lanes.
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
    /// The instant that is shown.
    pub at: Ktime,
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
    /// What the boot passed, in the order of time, also after the instant that is shown; empty where the recording is not of a boot.
    pub marks: Vec<BootMark>,
}

/// A view.
#[derive(Clone, Debug)]
pub enum Body {
    /// All modules.
    Modules(Box<ModulesNow>),
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
    /// Something that was opened; none when it is not there any more.
    Topic(Option<TopicNow>),
    /// Every probe.
    Probes(Vec<ProbeLine>),
    /// Attempts or tasks as lanes.
    Lanes(Lanes),
}

/// All modules, and one of them in detail.
#[derive(Clone, Debug, PartialEq)]
pub struct ModulesNow {
    /// All of them together, under the name `(all)`.
    pub total: ModuleNow,
    /// A row for each, by name.
    pub rows: Vec<ModuleNow>,
    /// The one that was asked for; none when none was, or nothing is known of it.
    pub detail: Option<ModuleDetail>,
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
        let mut marks = header.boot.as_ref().map_or_else(Vec::new, |boot| boot.marks.clone());
        marks.sort_by_key(|mark| mark.time_ns);
        Self {
            pipeline: Pipeline::default(),
            source: Source::of_header(header),
            probes: probes::of_plan(&header.plan),
            start: header.clock.monotonic_ns,
            functions: header.functions.clone(),
            environment: header.environment(),
            marks,
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

    /// Moves to this instant, where every record of what was until then has been pushed.
    pub fn reach(&mut self, time: Ktime) {
        self.pipeline.reach(time);
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
            .with_findings(self.findings.list(), self.findings.graph().unsearched(), &selection)
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
        let _ = write_text(&self.findings.graph().so_far(), Zero::Boot, usize::MAX, &mut text);
        GraphNow {
            tree: Tree::new(self.reached(), session.in_flight(), session.requests_in_flight()),
            so_far: String::from_utf8_lossy(&text).lines().map(str::to_owned).collect(),
        }
    }

    fn modules(&self, detail: Option<ModuleDetail>) -> Box<ModulesNow> {
        Box::new(ModulesNow {
            total: modules::total(self),
            rows: modules::rows(self),
            detail,
        })
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
            at: reached,
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
            marks: self.marks.clone(),
        }
    }

    fn body(&self, focus: &Focus, findings: Vec<Finding>) -> Body {
        match focus {
            Focus::Modules => Body::Modules(self.modules(None)),
            Focus::ModulesBeside(name) => Body::Modules(self.modules(module::detail(self, name.as_deref()))),
            Focus::Now => Body::Now(now::rows(self)),
            Focus::Module(name) => Body::Module(module::detail(self, name.as_deref()).map(Box::new)),
            Focus::Graph => Body::Graph(self.graph()),
            Focus::Requests(chain) => Body::Requests(requests::now(self, *chain)),
            Focus::Findings => Body::Findings(findings),
            Focus::Topic(topic) => Body::Topic(topic::now(self, topic, findings)),
            Focus::Probes => Body::Probes(self.probes.clone()),
            Focus::Lanes(window) => Body::Lanes(lanes::lanes(self, window)),
        }
    }
}
