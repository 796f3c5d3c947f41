//! The report: one view model under every format. What a format shows is here or it does not exist.
//!
//! Absent is null in JSON, empty in CSV, `-` (there was none) or `n/o` (nobody watched) in tables, and never 0.

mod attempts;
mod csv;
mod glob;
mod grid;
mod histograms;
mod json;
mod modules;
mod quantity;
mod select;
mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::aggregate::Aggregates;
use crate::attempt::Attempt;
use crate::coverage::Coverage;
use crate::order::Loss;
use crate::recording::Header;
pub use attempts::{AttemptRow, WaitOfAttempt};
pub use glob::Glob;
pub(crate) use grid::printable;
pub use histograms::write_histograms;
pub use json::{schema, write_json, write_jsonl};
pub use modules::{CallsRow, CollisionsRow, GoingRow, ModuleRow, Spread, WaitRow};
pub(crate) use quantity::span_text;
pub use select::{Selection, SortKey, UnknownSortKey};
pub use text::write_text;

pub use csv::{write_attempts_csv, write_modules_csv};

/// Name and version of the JSON. Additions keep it; what removes or changes a field raises it.
pub const SCHEMA: &str = "kmodtrace.report/1";

/// Outcomes by their names: `OK`, `EBUSY`, ...
pub type Outcomes = BTreeMap<String, u64>;

/// What a report is made of: everything a format may show.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Where the events come from.
    pub kernel: Kernel,
    /// What is missing.
    pub quality: Quality,
    /// One for each module, sorted and cut as asked.
    pub modules: Vec<ModuleRow>,
    /// Every load, in the order in which they returned; only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<AttemptRow>>,
    /// Every unload; only when attempts are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unloads: Option<Vec<AttemptRow>>,
}

/// The traced kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Kernel {
    /// As `uname -r` says.
    pub release: Option<String>,
    /// As `uname -m` says.
    pub arch: Option<String>,
}

/// How much of what happened is in the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quality {
    /// Records lost between the kernel and here.
    pub lost: Option<u64>,
    /// Probe hits that the kernel skipped.
    pub missed: Option<u64>,
    /// Attempts whose inner records are missing because a map was full.
    pub clipped: Option<u64>,
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
}

/// What the caller knows of the events besides the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The traced kernel.
    pub kernel: Kernel,
    /// Records lost.
    pub lost: Option<u64>,
    /// Probe hits skipped.
    pub missed: Option<u64>,
    /// Attempts clipped.
    pub clipped: Option<u64>,
    /// Why the recording ends early.
    pub truncated: Option<String>,
    /// What was watched.
    pub coverage: Coverage,
}

impl Source {
    /// What a recording says: its header, the losses that its records tell, and why it ends early if it does.
    pub fn of_recording(header: &Header, loss: &Loss, truncated: Option<String>) -> Self {
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
            kernel: Kernel {
                release: Some(header.kernel.release.clone()),
                arch: Some(header.kernel.arch.clone()),
            },
            lost: Some(loss.lost()),
            missed: Some(loss.counters().missed),
            clipped: Some(loss.counters().clipped),
            truncated,
            coverage,
        }
    }
}

impl Report {
    /// A report of the selected modules.
    pub fn new(aggregates: &Aggregates, source: &Source, selection: &Selection) -> Self {
        let quality = Quality {
            lost: source.lost,
            missed: source.missed,
            clipped: source.clipped,
            unobserved: source.coverage.unobserved().to_vec(),
            began_before: aggregates.entry_not_seen,
            exit_not_seen: aggregates.exit_not_seen,
            in_flight: aggregates.in_flight,
            truncated: source.truncated.clone(),
        };
        let rows = aggregates
            .modules
            .iter()
            .filter(|(name, _)| selection.takes(name.as_deref()))
            .map(|(name, stats)| ModuleRow::new(name.as_deref(), stats, &source.coverage))
            .collect();
        Self {
            schema: SCHEMA,
            kernel: source.kernel.clone(),
            quality,
            modules: selection.arrange(rows),
            attempts: None,
            unloads: None,
        }
    }

    /// Adds the attempts of the selected modules, in the order given.
    #[must_use]
    pub fn with_attempts<'a>(mut self, attempts: impl IntoIterator<Item = &'a Attempt>, selection: &Selection) -> Self {
        let (unloads, loads): (Vec<_>, Vec<_>) = attempts
            .into_iter()
            .filter(|attempt| selection.takes(attempt.module.as_deref()))
            .partition(|attempt| attempt.is_unload());
        let rows = |attempts: Vec<&Attempt>| Some(attempts.into_iter().map(AttemptRow::new).collect());
        self.attempts = rows(loads);
        self.unloads = rows(unloads);
        self
    }
}
