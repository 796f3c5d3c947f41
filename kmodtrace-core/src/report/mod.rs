//! The report: one view model under every format. What a format shows is here or it does not exist.
//!
//! Absent is null in JSON, empty in CSV, `-` (there was none) or `n/o` (nobody watched) in tables, and never 0.

mod answer;
mod attempts;
mod before;
mod boots;
mod cell;
mod csv;
mod fields;
mod head;
mod histograms;
mod json;
mod layout;
pub mod line;
mod modules;
mod origins;
mod page;
mod refused;
pub(crate) mod request_line;
mod requests;
mod requests_text;
mod rows;
mod section;
mod select;
mod spread;
mod stream;
mod text;
mod viewers;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::account::Account;
use crate::analysis::aggregate::Aggregates;
use crate::analysis::findings::Finding;
use crate::analysis::graph::Graph;
use crate::analysis::origin;
use crate::analysis::why::{Hang, Reason, Why};
use crate::model::{Finished, Refused, WaitStatus};
use crate::plan::{Coverage, Observed};
use crate::recording::Header;
use crate::records::order::Loss;
pub use attempts::{AttemptRow, WaitOfAttempt};
pub use boots::{BootRow, Boots};
pub use cell::outcomes_text;
pub use fields::Fields;
pub use head::{OfRecording, RecordingRow};
pub(crate) use histograms::distributions;
pub use histograms::write_histograms;
pub use json::write_jsonl;
pub use layout::TextLayout;
pub use modules::{CallsRow, CollisionsRow, GoingRow, ModuleRow, WaitRow};
pub use origins::{CertaintyRow, LogRow, OriginRow, ParentRow, StageRow};
pub use page::{write_flamegraph, write_html, write_svg};
pub use refused::refused_text;
pub use request_line::RequestLine;
pub use requests::{CallerRow, HelperRow, RequestRow, RequestedRow, SlotRow, SpanRow};
pub use rows::{KnownAttempts, Rows};
pub use select::{Selection, SortKey};
pub use spread::{BucketRow, Spread};
pub use stream::{LastingRow, STREAM_SCHEMA, StateRow, StreamLine};
pub use text::write_text;
pub use viewers::{write_chrome, write_perfetto};

pub use csv::{write_attempts_csv, write_modules_csv};

/// Name and version of the JSON. Additions keep it; what removes or changes a field raises it.
pub const SCHEMA: &str = "kmodtrace.report/1";

/// In tables, where nobody watched.
const NOT_OBSERVED: &str = "n/o";

/// Outcomes by their names: `OK`, `EBUSY`, ...
pub type Outcomes = BTreeMap<String, u64>;

/// What a report is made of: everything a format may show.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Where the events come from.
    pub kernel: KernelRow,
    /// How they were recorded; null when they do not come from a recording.
    pub recording: Option<RecordingRow>,
    /// What is missing.
    pub quality: Quality,
    /// One for each module, sorted and cut as asked.
    pub modules: Vec<ModuleRow>,
    /// What the kernel requested, by name; null when nobody watched.
    pub requested: Option<Vec<RequestedRow>>,
    /// What it cost, and who asked; null when that was not asked for.
    pub account: Option<Account>,
    /// What had not returned at the end; null when that was not asked for.
    pub hanging: Option<Vec<Hang>>,
    /// What failed, by cause, as `why` says it; null when that was not asked for.
    pub failures: Option<Vec<Reason>>,
    /// What they show beyond their numbers.
    pub findings: Vec<Finding>,
    /// Every load, in the order in which they returned; only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<AttemptRow>>")]
    pub attempts: Option<Rows<AttemptRow>>,
    /// Every unload; only when attempts are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<AttemptRow>>")]
    pub unloads: Option<Rows<AttemptRow>>,
    /// Every request; only when attempts are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<RequestRow>>")]
    pub requests: Option<Rows<RequestRow>>,
    /// Every state that a module was in; only when attempts are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<StateRow>>")]
    pub states: Option<Rows<StateRow>>,
    /// Who waited for whom, for pages; `graph` has it for programs.
    #[serde(skip)]
    pub waits: Option<Graph>,
    #[serde(skip)]
    coverage: Arc<Coverage>,
}

/// The traced kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Kernel")]
pub struct KernelRow {
    /// As `uname -r` says.
    pub release: Option<String>,
    /// As `uname -v` says: which build it is.
    pub version: Option<String>,
    /// As `uname -m` says.
    pub arch: Option<String>,
}

/// How much of what happened is in the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Quality {
    /// Records lost between the kernel and here.
    pub lost: Option<u64>,
    /// Probe hits that the kernel skipped.
    pub missed: Option<u64>,
    /// Attempts whose inner records are missing because a map was full.
    pub clipped: Option<u64>,
    /// Calls that lacked the capability, and were only counted, by user and program; absent when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// What nobody watched, and why.
    pub unobserved: Vec<String>,
    /// Attempts that began before tracing, or whose entry was lost.
    pub began_before: u64,
    /// Attempts whose return was lost.
    pub exit_not_seen: u64,
    /// Attempts that had not returned at the end.
    pub in_flight: u64,
    /// Why the recording ends early, where it does.
    pub truncated: Option<String>,
    /// Waits of which was not looked whether they were part of a deadlock, because that would have taken too long; absent when
    /// there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsearched: Option<u64>,
}

/// What the caller knows of the events besides the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The traced kernel.
    pub kernel: KernelRow,
    /// Records lost.
    pub lost: Option<u64>,
    /// Probe hits skipped.
    pub missed: Option<u64>,
    /// Attempts clipped.
    pub clipped: Option<u64>,
    /// Calls that lacked the capability, and were only counted.
    pub refused: Vec<Refused>,
    /// Why the recording ends early.
    pub truncated: Option<String>,
    /// What was watched.
    pub coverage: Coverage,
    /// How it was recorded; none where it was not.
    pub recording: Option<RecordingRow>,
}

impl Source {
    /// What a recording says: its header, the losses that its records tell, and why it ends early if it does.
    pub fn of_recording(header: &Header, loss: &Loss, truncated: Option<String>) -> Self {
        Self {
            truncated,
            ..Self::of_header(header).with(loss)
        }
    }

    /// The same with how the command ended, where that is known.
    #[must_use]
    pub fn with_command_status(mut self, status: Option<WaitStatus>) -> Self {
        if let Some(recording) = &mut self.recording {
            recording.command_status = status;
        }
        self
    }

    /// The same with the losses that are known by now.
    #[must_use]
    pub fn with(self, loss: &Loss) -> Self {
        Self {
            lost: Some(loss.lost()),
            missed: Some(loss.counters().missed),
            clipped: Some(loss.counters().clipped),
            refused: loss.refused(),
            ..self
        }
    }

    /// What is known before the first record.
    pub fn of_header(header: &Header) -> Self {
        let coverage = header.plan.get("coverage").cloned();
        // A plan without coverage is one that somebody else wrote: then the reasons are all that is known.
        let coverage = coverage
            .and_then(|value| serde_json::from_value(value).ok())
            .unwrap_or_else(|| {
                let mut coverage = Coverage::default();
                header.unobserved.iter().for_each(|reason| coverage.note(reason));
                coverage
            });
        Self {
            kernel: KernelRow {
                release: Some(header.kernel.release.clone()),
                version: Some(header.kernel.version.clone()),
                arch: Some(header.kernel.arch.clone()),
            },
            coverage,
            recording: Some(RecordingRow::new(header)),
            ..Self::default()
        }
    }
}

impl Quality {
    /// How much of what happened these are.
    pub fn new(aggregates: &Aggregates, source: &Source) -> Self {
        Self {
            lost: source.lost,
            missed: source.missed,
            clipped: source.clipped,
            refused: source.refused.clone(),
            unobserved: source.coverage.unobserved().to_vec(),
            began_before: aggregates.entry_not_seen,
            exit_not_seen: aggregates.exit_not_seen,
            in_flight: aggregates.in_flight,
            truncated: source.truncated.clone(),
            unsearched: None,
        }
    }
}

impl Report {
    /// A report of the selected modules.
    pub fn new(aggregates: &Aggregates, source: &Source, selection: &Selection) -> Self {
        let quality = Quality::new(aggregates, source);
        let coverage = Arc::new(source.coverage.clone());
        let rows = aggregates
            .modules
            .iter()
            .filter(|(name, _)| selection.modules.take(name.as_deref()))
            .map(|(name, stats)| ModuleRow::new(name.as_deref(), stats, &coverage))
            .collect();
        let requested = || {
            let names = aggregates.requests.iter();
            names
                .map(|(name, stats)| RequestedRow::new(name, stats, &source.coverage))
                .collect()
        };
        Self {
            schema: SCHEMA,
            kernel: source.kernel.clone(),
            recording: source.recording.clone(),
            quality,
            modules: selection.arrange(rows),
            requested: source.coverage.observed(Observed::Requests).then(requested),
            account: None,
            hanging: None,
            failures: None,
            findings: Vec::new(),
            attempts: None,
            unloads: None,
            requests: None,
            states: None,
            waits: None,
            coverage,
        }
    }

    /// Adds the findings about the selected modules, in the order given, and how many waits were not looked at for deadlocks.
    #[must_use]
    pub fn with_findings(mut self, findings: Vec<Finding>, unsearched: Option<u64>, selection: &Selection) -> Self {
        let selected = findings
            .into_iter()
            .filter(|finding| finding.is_about(&selection.modules));
        self.findings = selected.collect();
        self.quality.unsearched = unsearched;
        self
    }

    /// Adds what it cost, what hangs and what failed.
    #[must_use]
    pub fn with_answer(mut self, account: Account, why: Why) -> Self {
        self.account = Some(account);
        self.hanging = Some(why.hanging);
        self.failures = Some(why.causes);
        self
    }

    /// Adds the selected attempts, in the order in which a session hands them out, and the requests. With modules in the selection, only
    /// requests of such a name, and those whose modprobe loaded such a module. Rows are made as they are written: what a session hands out
    /// is gone through once for each kind of them, and has been gone through before, by what is `known` of it.
    #[must_use]
    pub fn with_attempts<I>(
        mut self,
        finished: impl Fn() -> I + Send + Sync + 'static,
        known: KnownAttempts,
        selection: &Selection,
    ) -> Self
    where
        I: Iterator<Item = Finished> + 'static,
    {
        let shared = Arc::new((known, Arc::clone(&self.coverage), selection.clone()));
        let finished = Arc::new(finished);
        let attempts = |is_unload: bool| {
            let (finished, shared) = (Arc::clone(&finished), Arc::clone(&shared));
            Rows::new(move || {
                let all = finished().filter_map(move |one| match one {
                    Finished::Attempt(attempt) => Some(attempt).filter(|attempt| attempt.is_unload() == is_unload),
                    _ => None,
                });
                let shared = Arc::clone(&shared);
                let most = if is_unload { shared.0.unloads } else { shared.0.loads };
                all.take(most).filter_map(move |attempt| {
                    let (known, coverage, Selection { modules, wanted, .. }) = &*shared;
                    let selected = modules.take(attempt.module.as_deref()) && wanted.takes_attempt(&attempt);
                    let origin = || origin::of(&attempt, coverage, |id| known.attempt(id));
                    selected.then(|| AttemptRow::new(&attempt, origin().as_ref()))
                })
            })
        };
        (self.attempts, self.unloads) = (Some(attempts(false)), Some(attempts(true)));
        let (spans, selected) = (Arc::clone(&finished), Arc::clone(&shared));
        self.states = Some(Rows::new(move || {
            let shared = Arc::clone(&selected);
            spans().filter_map(move |one| match one {
                Finished::State(state) if shared.2.modules.take(Some(&state.module)) => Some(StateRow::new(&state)),
                _ => None,
            })
        }));
        self.requests = Some(Rows::new(move || {
            let all = finished().filter_map(|one| match one {
                Finished::Request(request) => Some(request),
                _ => None,
            });
            let shared = Arc::clone(&shared);
            all.take(shared.0.requests).filter_map(move |request| {
                let (known, _, Selection { modules, wanted, .. }) = &*shared;
                let named = modules.take(Some(&request.name)) || known.helped_selected(&request);
                let origin = || origin::of_request(&request, |id| known.attempt(id));
                (named && wanted.takes_request(&request)).then(|| RequestRow::new(&request, origin().as_ref()))
            })
        }));
        self
    }
}
