//! A module's row.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::cell::{NONE, outcomes_text};
use super::spread::{BucketRow, Spread, outcomes};
use super::{Fields, NOT_OBSERVED, Outcomes};
use crate::analysis::aggregate::ModuleStats;
use crate::analysis::histogram::Histogram;
use crate::measures::{Measure, P50, Stat, Value};
use crate::model::{Collision, ModuleState, WaitKind};
use crate::plan::{Coverage, Observed};

/// One module.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ModuleRow {
    /// Its name; null for loads that failed before their module had one.
    pub name: Option<String>,
    /// Calls of `init_module` and `finit_module`.
    pub attempts: u64,
    /// Those that returned, by errno name.
    pub outcomes: Outcomes,
    /// Those whose return was not seen.
    pub unfinished: u64,
    /// Every kind of wait.
    pub waits: Vec<WaitRow>,
    /// The measures that are a field each.
    #[serde(flatten)]
    pub fields: Fields,
    /// Loads by the first thing that stood in their way.
    pub collisions: CollisionsRow,
    /// Time spent GOING; null when nobody watched.
    pub going: Option<GoingRow>,
    /// Bytes read or handed over by loads that failed; null when nobody watched.
    pub wasted_bytes: Option<u64>,
    /// Calls of `delete_module`.
    pub unloads: CallsRow,
    /// What measures read.
    #[serde(skip)]
    pub(crate) stats: ModuleStats,
    /// What they were to see.
    #[serde(skip)]
    coverage: Arc<Coverage>,
}

/// Waits of one kind. All is null when nobody watched; the times are null when there was none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WaitRow {
    /// The kind.
    pub kind: WaitKind,
    /// How many.
    pub count: Option<u64>,
    /// Their sum.
    pub total_ns: Option<u64>,
    /// Half of them were not longer.
    pub p50_ns: Option<u64>,
    /// Nine of ten were not longer.
    pub p90_ns: Option<u64>,
    /// 99 of 100 were not longer.
    pub p99_ns: Option<u64>,
    /// The longest.
    pub max_ns: Option<u64>,
    /// Where they lie, the smallest first; empty when there was none.
    pub buckets: Option<Vec<BucketRow>>,
}

/// Counts of collisions; null when nobody watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct CollisionsRow {
    /// With a module being set up, or freed.
    pub unformed: Option<u64>,
    /// With a module whose init function runs or is about to.
    pub coming: Option<u64>,
    /// With a module going away.
    pub going: Option<u64>,
    /// With a module in use.
    pub live: Option<u64>,
    /// With a load of the same inode.
    pub in_flight: Option<u64>,
}

/// Time spent GOING.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GoingRow {
    /// How often.
    pub windows: u64,
    /// The sum of the windows that closed.
    pub total_ns: u64,
    /// The longest of them; null when none closed.
    pub longest_ns: Option<u64>,
}

/// How calls ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallsRow {
    /// All of them.
    pub count: u64,
    /// Those that returned, by errno name.
    pub outcomes: Outcomes,
    /// Those whose return was not seen.
    pub unfinished: u64,
}

impl ModuleRow {
    pub(crate) fn new(name: Option<&str>, stats: &ModuleStats, coverage: &Arc<Coverage>) -> Self {
        let going = stats.state(ModuleState::Going);
        Self {
            name: name.map(str::to_owned),
            attempts: stats.loads.count,
            outcomes: outcomes(&stats.loads),
            unfinished: stats.loads.unfinished,
            waits: WaitKind::ALL
                .iter()
                .map(|kind| WaitRow::new(*kind, stats, coverage))
                .collect(),
            fields: Fields::new(stats, coverage),
            collisions: CollisionsRow::new(stats, coverage),
            going: coverage.observed(Observed::GoingWindows).then_some(GoingRow {
                windows: going.spans,
                total_ns: going.total_ns,
                longest_ns: going.longest_ns,
            }),
            wasted_bytes: coverage.observed(Observed::ReadBytes).then_some(stats.wasted_bytes),
            unloads: CallsRow {
                count: stats.unloads.count,
                outcomes: outcomes(&stats.unloads),
                unfinished: stats.unloads.unfinished,
            },
            stats: stats.clone(),
            coverage: Arc::clone(coverage),
        }
    }

    /// Whether the kernel shows this measure.
    pub(super) fn observes(&self, measure: &Measure) -> bool {
        measure.is_observed(&self.coverage)
    }

    /// What modules are sorted by.
    pub fn weight(&self, measure: &Measure) -> u64 {
        measure.weight(&self.stats, &self.coverage)
    }

    /// A measure as tables have it; of a distribution this statistic, the median where none is named.
    pub fn cell(&self, measure: &Measure, stat: Option<&Stat>) -> String {
        if !self.observes(measure) {
            return NOT_OBSERVED.to_owned();
        }
        let (unit, value) = match measure.value {
            Value::Number(unit, of) => (unit, of(&self.stats)),
            Value::Times(_, of) => {
                let stat = stat.unwrap_or(&P50);
                (stat.unit, stat.read(of(&self.stats)))
            }
            Value::Outcomes(of) => {
                let calls = of(&self.stats);
                return outcomes_text(&outcomes(calls), calls.unfinished);
            }
        };
        value.map_or_else(|| NONE.to_owned(), |value| unit.text(value))
    }

    /// The distribution that is this field of its JSON, such as `load_ns`; none where nobody watched.
    pub fn times(&self, field: &str) -> Option<&Spread> {
        self.fields.times(field)
    }

    /// Nanoseconds of all waits.
    pub fn waited_ns(&self) -> u64 {
        self.waits
            .iter()
            .filter_map(|wait| wait.total_ns)
            .fold(0, u64::saturating_add)
    }

    /// Attempts that returned an error.
    pub fn failed(&self) -> u64 {
        self.stats.loads.failed()
    }
}

impl WaitRow {
    fn new(kind: WaitKind, stats: &ModuleStats, coverage: &Coverage) -> Self {
        let watched = coverage.observed(Observed::waits(kind));
        let none = Histogram::default();
        let spread = watched.then(|| Spread::new(stats.waits.get(&kind).unwrap_or(&none)));
        Self {
            kind,
            count: spread.as_ref().map(|spread| spread.count),
            total_ns: spread.as_ref().map(|spread| spread.total),
            p50_ns: spread.as_ref().and_then(|spread| spread.p50),
            p90_ns: spread.as_ref().and_then(|spread| spread.p90),
            p99_ns: spread.as_ref().and_then(|spread| spread.p99),
            max_ns: spread.as_ref().and_then(|spread| spread.max),
            buckets: spread.map(|spread| spread.buckets),
        }
    }
}

impl CollisionsRow {
    fn new(stats: &ModuleStats, coverage: &Coverage) -> Self {
        let count = |collision| {
            coverage
                .observed(Observed::collisions(collision))
                .then(|| stats.collisions.get(&collision).copied().unwrap_or_default())
        };
        Self {
            unformed: count(Collision::Unformed),
            coming: count(Collision::Coming),
            going: count(Collision::Going),
            live: count(Collision::Live),
            in_flight: count(Collision::InFlight),
        }
    }

    /// Each with its name, in the order of reports.
    pub fn named(&self) -> [(&'static str, Option<u64>); 5] {
        let Self {
            unformed,
            coming,
            going,
            live,
            in_flight,
        } = *self;
        [
            (Collision::Unformed.name(), unformed),
            (Collision::Coming.name(), coming),
            (Collision::Going.name(), going),
            (Collision::Live.name(), live),
            (Collision::InFlight.name(), in_flight),
        ]
    }
}
