//! Recordings of many machines beside each other: what one of them is like, which are far from the others, and which kernels and tags
//! differ from the rest.
//!
//! A fold over [`Run`]s. Its memory grows with the number of measures, kernels and tags, which are bounded, not with that of recordings,
//! and it does not matter in which order these come.

mod extreme;
mod group;
mod text;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::histogram::Histogram;
use crate::compare::diff::{About, COMPARED, Crowd, IN_FLIGHT, Limits, Measured, Run, is_noticed};
use crate::measures::Unit;
use crate::text::Names;
use extreme::Extremes;
pub use extreme::{Extreme, Far, Which};
use group::Groups;
pub use group::{Group, GroupKind};
pub use text::write_text;

/// Name and version of the JSON.
pub const SCHEMA: &str = "kmodtrace.fleet/1";

/// What the loads of a module took together, in one recording.
const LOAD_TOTAL: &str = "load total";
/// What the longest of the requests for a module took, in one recording.
const REQUEST_MAX: &str = "total max";

/// What is known of the recordings of many machines. Quantiles are within 2.3 %.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Fleet {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Where they are.
    pub name: String,
    /// How many were read.
    pub recordings: u64,
    /// How many could not be read, or only in part: they are in nothing of this.
    pub unread: u64,
    /// How many of those that were read end before their time.
    pub truncated: u64,
    /// Records lost, probe hits missed and attempts clipped in all of them.
    pub missing: u64,
    /// When the first and the last of them began, nanoseconds since 1970-01-01 00:00 UTC; null where none tells.
    pub began_unix_ns: Option<(u64, u64)>,
    /// When a difference is one.
    pub limits: Limits,
    /// Every measure of a recording: those of all modules together, then those of modules, the most costly module first.
    pub rows: Vec<FleetRow>,
    /// Whether there are more than 65,536 measures, of which only the first by the names of modules and requests are here.
    pub more: bool,
    /// Measures of which some recordings are far from the others, the farthest first; none where there are fewer than eight recordings.
    pub far: Vec<Far>,
    /// Kernels and tags, each with what differs from all other recordings.
    pub groups: Vec<Group>,
    /// Whether there are more than 64 kernels and tags, of which only the first in their order are compared.
    pub more_groups: bool,
}

/// A measure over all recordings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FleetRow {
    /// Which one.
    #[serde(flatten)]
    pub measure: Measured,
    /// Recordings with a value.
    pub recordings: u64,
    /// Recordings with a value that is not 0.
    pub above_zero: u64,
    /// The sum of all values.
    pub total: u64,
    /// Half of the recordings have no more.
    pub median: Option<u64>,
    /// Nine of ten have no more.
    pub p90: Option<u64>,
    /// 99 of 100 have no more.
    pub p99: Option<u64>,
    /// The most.
    pub max: Option<u64>,
}

/// Makes a [`Fleet`] of runs.
#[derive(Debug, Default)]
pub struct FleetFold {
    all: Crowd,
    groups: Groups,
    extremes: Extremes,
    truncated: u64,
    began: Option<(u64, u64)>,
}

/// Whether groups are compared and recordings ranked by it: there are ten thousand measures, and these are what others are made of.
fn is_headline(measure: &Measured) -> bool {
    *measure.subject == About::All || &*measure.name == LOAD_TOTAL
}

impl FleetFold {
    /// Adds a recording.
    pub fn add(&mut self, run: &Run) {
        self.all.add(run);
        self.groups.add(run);
        self.extremes.add(run);
        self.truncated += u64::from(run.truncated());
        if let Some(recording) = run.recording.as_ref().filter(|recording| recording.began_unix_ns > 0) {
            let at = recording.began_unix_ns;
            let (first, last) = self.began.unwrap_or((at, at));
            self.began = Some((first.min(at), last.max(at)));
        }
    }

    /// Nothing more comes. `unread` is how many recordings could not be added; of modules only those with these names are told.
    pub fn finish(self, name: String, unread: u64, modules: &Names) -> Fleet {
        let takes = |measure: &Measured| match &*measure.subject {
            About::Module(module) => modules.take(module.as_deref()),
            About::All | About::Request(_) => modules.are_all(),
        };
        let limits = Limits::default();
        let mut rows: Vec<FleetRow> = self
            .all
            .measures()
            .take(COMPARED)
            .filter(|measure| takes(measure))
            .map(|measure| FleetRow::new(measure, &self.all.values(measure)))
            .collect();
        let more = self.all.has_more();
        by_cost(&mut rows);
        let (groups, more_groups) = self.groups.finish(&self.all, limits, &takes);
        Fleet {
            schema: SCHEMA,
            name,
            recordings: self.all.runs(),
            unread,
            truncated: self.truncated,
            missing: self.all.missing(),
            began_unix_ns: self.began,
            limits,
            far: self.extremes.finish(&self.all, limits, &takes),
            rows,
            more,
            groups,
            more_groups,
        }
    }
}

impl FleetRow {
    fn new(measure: &Measured, values: &Histogram) -> Self {
        Self {
            measure: measure.clone(),
            recordings: values.count(),
            above_zero: values.count() - values.zeros(),
            total: values.sum(),
            median: values.quantile(0.5),
            p90: values.quantile(0.9),
            p99: values.quantile(0.99),
            max: values.max(),
        }
    }
}

/// What is about everything first, and of that the time in which loads were in flight; then requests and modules by the time that they took in all.
fn by_cost(rows: &mut [FleetRow]) {
    let costs: BTreeMap<Arc<About>, u64> = rows
        .iter()
        .filter(|row| match &*row.measure.subject {
            About::All => false,
            About::Module(_) => &*row.measure.name == LOAD_TOTAL,
            About::Request(_) => &*row.measure.name == REQUEST_MAX,
        })
        .map(|row| (row.measure.subject.clone(), row.total))
        .collect();
    rows.sort_by_cached_key(|row| {
        let cost = costs.get(&row.measure.subject).copied().unwrap_or_default();
        let is_part = *row.measure.subject != About::All;
        let is_not_first = &*row.measure.name != IN_FLIGHT;
        (
            is_part,
            Reverse(cost),
            row.measure.subject.clone(),
            is_not_first,
            row.measure.clone(),
        )
    });
}

/// A value as a number for the limits of differences.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn number(value: u64) -> f64 {
    value as f64
}

/// Whether a value is by so much more than what is usual that it matters.
fn matters(value: u64, usual: u64, unit: Unit, limits: Limits) -> bool {
    number(value) >= limits.factor * number(usual) && is_noticed(number(value.saturating_sub(usual)), unit)
}
