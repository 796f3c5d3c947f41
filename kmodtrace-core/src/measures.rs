//! The numbers of a module: one table, which rules, comparisons, tables, JSON and sorting read.
//!
//! One more number is a value in [`ModuleStats`], and a row here at the end: columns of CSV keep their places.

use crate::analysis::aggregate::{Calls, ModuleStats};
use crate::analysis::histogram::Histogram;
use crate::model::{Collision, ModuleState, WaitKind};
use crate::plan::{Coverage, Observed};
use crate::text::{bytes_text, span_text};
use schemars::JsonSchema;
use serde::Serialize;

/// In what a number is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// How many.
    Count,
    /// Nanoseconds.
    Nanoseconds,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// A number of it, for people.
    pub fn text(self, number: u64) -> String {
        match self {
            Self::Count => number.to_string(),
            Self::Nanoseconds => span_text(number),
            Self::Bytes => bytes_text(number),
        }
    }
}

/// A row: a number of a module, or a distribution with the [`STATS`] of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Measure {
    /// In rules, such as `going.windows` or `wait(same-name)`; a statistic comes behind it, as in `wait(same-name).p99`.
    pub field: &'static str,
    /// What it is, for people.
    pub help: &'static str,
    /// How runs are compared by it.
    pub compared: Compared,
    /// Its columns in the text table of modules: the title, behind `<` for one that is aligned to the left, and of a distribution
    /// the statistic.
    pub text: &'static [(&'static str, Option<&'static Stat>)],
    /// Its column in the live view, title and width; of a distribution it shows the median.
    pub view: Option<(&'static str, u16)>,
    /// Its field in JSON and what that is; none for what `ModuleRow` has in a shape of its own.
    pub json: Option<(&'static str, &'static str)>,
    /// Its column in CSV, or what the columns of its statistics begin with.
    pub csv: &'static str,
    /// What `--sort` calls it; empty where nobody sorts by it.
    pub sort: &'static str,
    /// What has to be seen for it; none for what every plan sees.
    pub observed: Option<Observed>,
    /// Whether runs are compared by it for all modules together, too.
    pub of_all: bool,
    /// Whether it is known of a module that nobody loaded: 0 calls.
    pub without_loads: bool,
    /// Whether records that were lost could only have made it more; of a distribution the [`Stat`] says so.
    pub only_grows: bool,
    /// How to get it.
    pub value: Value,
}

/// How runs are compared by a measure.
#[derive(Clone, Copy, Debug)]
pub enum Compared {
    /// Not at all.
    Not,
    /// By the number, which is called so.
    Number(&'static str),
    /// The same where a run has any.
    Any(&'static str),
    /// By some statistics: what all are called, and each with what it is called then.
    Parts(&'static str, &'static [(&'static Stat, &'static str)]),
}

/// How to get a measure.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// A number; none where there was nothing to measure.
    Number(Unit, fn(&ModuleStats) -> Option<u64>),
    /// Nanoseconds, and what CSV calls their number; none where there was none.
    Times(&'static str, fn(&ModuleStats) -> Option<&Histogram>),
    /// Calls by what they came to. Rules ask for one errno: `errno(EINVAL)`.
    Outcomes(fn(&ModuleStats) -> &Calls),
}

/// A statistic of a distribution.
#[derive(Debug)]
pub struct Stat {
    /// Its name, in rules and, with its unit, in CSV.
    pub name: &'static str,
    /// In what it is measured.
    pub unit: Unit,
    /// Whether records that were lost could only have made it more. Of half the attempts the median may be anything.
    pub only_grows: bool,
    /// How to get it; none of an empty distribution but for count and total.
    pub of: fn(&Histogram) -> Option<u64>,
}

impl Stat {
    /// The statistic of these times; where there are none that of an empty distribution.
    pub fn read(&self, times: Option<&Histogram>) -> Option<u64> {
        times.map_or_else(|| (self.of)(&Histogram::default()), self.of)
    }
}

/// How many there are.
pub static COUNT: Stat = stat("count", Unit::Count, true, |times| Some(times.count()));
/// The sum.
pub static TOTAL: Stat = stat("total", Unit::Nanoseconds, true, |times| Some(times.sum()));
/// The median: half are not longer.
pub static P50: Stat = stat("p50", Unit::Nanoseconds, false, |times| times.quantile(0.5));
/// Nine of ten are not longer.
pub static P90: Stat = stat("p90", Unit::Nanoseconds, false, |times| times.quantile(0.9));
/// 99 of 100 are not longer.
pub static P99: Stat = stat("p99", Unit::Nanoseconds, false, |times| times.quantile(0.99));
/// The longest.
pub static MAX: Stat = stat("max", Unit::Nanoseconds, true, Histogram::max);

/// All statistics, in the order of CSV.
pub static STATS: [&Stat; 6] = [&COUNT, &TOTAL, &P50, &P90, &P99, &MAX];

const fn stat(name: &'static str, unit: Unit, only_grows: bool, of: fn(&Histogram) -> Option<u64>) -> Stat {
    Stat {
        name,
        unit,
        only_grows,
        of,
    }
}

/// A row that nobody sorts or compares by, of what every plan sees. Every row differs from it in what it says.
const PLAIN: Measure = Measure {
    field: "",
    help: "",
    compared: Compared::Not,
    text: &[],
    view: None,
    json: None,
    csv: "",
    sort: "",
    observed: None,
    of_all: false,
    without_loads: false,
    only_grows: true,
    value: Value::Number(Unit::Count, |_| None),
};

/// What waits are compared by; of other times it is the middle and the longest.
static OF_WAITS: &[(&Stat, &str)] = &[(&COUNT, "count"), (&TOTAL, "total"), (&P50, "p50"), (&MAX, "max")];
/// Of init functions.
static OF_INIT: &[(&Stat, &str)] = &[(&COUNT, "runs"), (&TOTAL, "total"), (&P50, "p50"), (&MAX, "max")];
/// Of loads.
static OF_LOADS: &[(&Stat, &str)] = &[(&TOTAL, "total"), (&P50, "p50"), (&MAX, "max")];

/// Of one kind of wait.
macro_rules! waits {
    ($kind:ident, $name:literal, $csv:literal) => {
        Measure {
            field: concat!("wait(", $name, ")"),
            help: concat!($name, " waits"),
            compared: Compared::Parts(concat!("wait ", $name), OF_WAITS),
            csv: $csv,
            observed: Some(Observed::waits(WaitKind::$kind)),
            of_all: true,
            value: Value::Times("waits", |stats| stats.waits.get(&WaitKind::$kind)),
            ..PLAIN
        }
    };
}

/// Of one thing that stands in the way of loads.
macro_rules! collisions {
    ($collision:ident, $name:literal, $csv:literal) => {
        Measure {
            field: concat!("collisions(", $name, ")"),
            help: concat!("loads that met ", $name),
            compared: Compared::Any(concat!("met ", $name)),
            csv: $csv,
            observed: Some(Observed::collisions(Collision::$collision)),
            value: Value::Number(Unit::Count, |stats| {
                Some(
                    stats
                        .collisions
                        .get(&Collision::$collision)
                        .copied()
                        .unwrap_or_default(),
                )
            }),
            ..PLAIN
        }
    };
}

/// All measures, in the order of CSV.
pub static MEASURES: &[Measure] = &[
    Measure {
        field: "attempts",
        help: "calls of init_module and finit_module",
        compared: Compared::Number("attempts"),
        text: &[("ATTEMPTS", None)],
        view: Some(("ATTEMPTS", 8)),
        csv: "attempts",
        sort: "attempts",
        of_all: true,
        without_loads: true,
        value: Value::Number(Unit::Count, |stats| Some(stats.loads.count)),
        ..PLAIN
    },
    Measure {
        field: "ok",
        help: "those that succeeded",
        text: &[("OK", None)],
        view: Some(("LOADED", 6)),
        csv: "ok",
        value: Value::Number(Unit::Count, |stats| Some(stats.loads.ok())),
        ..PLAIN
    },
    Measure {
        field: "failed",
        help: "those that returned an error",
        csv: "failed",
        sort: "failed",
        value: Value::Number(Unit::Count, |stats| Some(stats.loads.failed())),
        ..PLAIN
    },
    Measure {
        field: "unfinished",
        help: "those that had not returned at the end",
        csv: "unfinished",
        // An attempt whose return was lost is unfinished without being so.
        only_grows: false,
        value: Value::Number(Unit::Count, |stats| Some(stats.loads.unfinished)),
        ..PLAIN
    },
    Measure {
        field: "errno",
        help: "those that returned this errno, such as errno(EINVAL)",
        compared: Compared::Any("errno"),
        text: &[("<ERRORS", None)],
        view: Some(("ERRORS", 18)),
        csv: "outcomes",
        of_all: true,
        value: Value::Outcomes(|stats| &stats.loads),
        ..PLAIN
    },
    waits!(SameInode, "same-inode", "same_inode"),
    waits!(SameName, "same-name", "same_name"),
    waits!(Async, "async", "async"),
    Measure {
        field: "load",
        help: "from entry to return of loads that went ahead themselves",
        compared: Compared::Parts("load", OF_LOADS),
        text: &[("LOAD p50", Some(&P50)), ("max", Some(&MAX))],
        view: Some(("LOAD", 6)),
        json: Some((
            "load_ns",
            "From entry to return of the loads that went ahead themselves, nanoseconds.",
        )),
        csv: "load",
        sort: "load",
        value: Value::Times("count", |stats| Some(&stats.load)),
        ..PLAIN
    },
    Measure {
        field: "init",
        help: "init functions; init.count is how often they ran",
        compared: Compared::Parts("init", OF_INIT),
        text: &[("INIT p50", Some(&P50)), ("max", Some(&MAX))],
        view: Some(("INIT", 6)),
        json: Some(("init_ns", "The init function, nanoseconds; null when nobody watched.")),
        csv: "init",
        sort: "init",
        observed: Some(Observed::InitTimes),
        value: Value::Times("count", |stats| Some(&stats.init)),
        ..PLAIN
    },
    collisions!(Unformed, "UNFORMED", "unformed"),
    collisions!(Coming, "COMING", "coming"),
    collisions!(Going, "GOING", "going"),
    collisions!(Live, "LIVE", "live"),
    collisions!(InFlight, "IN_FLIGHT", "in_flight"),
    Measure {
        field: "going.windows",
        help: "how often a module was GOING",
        compared: Compared::Any("GOING windows"),
        text: &[("GOING", None)],
        csv: "going_windows",
        observed: Some(Observed::GoingWindows),
        value: Value::Number(Unit::Count, |stats| Some(stats.state(ModuleState::Going).spans)),
        ..PLAIN
    },
    Measure {
        field: "going.total",
        help: "and for how long",
        compared: Compared::Any("GOING total"),
        csv: "going_total_ns",
        sort: "going",
        observed: Some(Observed::GoingWindows),
        value: Value::Number(Unit::Nanoseconds, |stats| {
            Some(stats.state(ModuleState::Going).total_ns)
        }),
        ..PLAIN
    },
    Measure {
        field: "going.longest",
        help: "and the longest time",
        text: &[("longest", None)],
        csv: "going_longest_ns",
        observed: Some(Observed::GoingWindows),
        value: Value::Number(Unit::Nanoseconds, |stats| stats.state(ModuleState::Going).longest_ns),
        ..PLAIN
    },
    Measure {
        field: "wasted_bytes",
        help: "bytes read by loads that failed",
        compared: Compared::Number("wasted"),
        text: &[("WASTED", None)],
        csv: "wasted_bytes",
        sort: "wasted",
        observed: Some(Observed::ReadBytes),
        value: Value::Number(Unit::Bytes, |stats| Some(stats.wasted_bytes)),
        ..PLAIN
    },
    Measure {
        field: "unloads",
        help: "calls of delete_module",
        compared: Compared::Any("unloads"),
        csv: "unloads",
        without_loads: true,
        value: Value::Number(Unit::Count, |stats| Some(stats.unloads.count)),
        ..PLAIN
    },
    Measure {
        help: "what calls of delete_module came to",
        csv: "unload_outcomes",
        value: Value::Outcomes(|stats| &stats.unloads),
        ..PLAIN
    },
    waits!(Dependency, "dependency", "dependency"),
    waits!(Mutex, "mutex", "mutex"),
    waits!(Rcu, "rcu", "rcu"),
    waits!(Request, "request", "request"),
];

impl Measure {
    /// Whether a kernel shows it.
    pub fn is_observed(&self, coverage: &Coverage) -> bool {
        self.observed.is_none_or(|what| coverage.observed(what))
    }

    /// What modules are sorted by: the number, the sum of a distribution, or the calls that failed; 0 where nobody watched.
    pub fn weight(&self, stats: &ModuleStats, coverage: &Coverage) -> u64 {
        if !self.is_observed(coverage) {
            return 0;
        }
        match self.value {
            Value::Number(_, of) => of(stats).unwrap_or_default(),
            Value::Times(_, of) => of(stats).map_or(0, Histogram::sum),
            Value::Outcomes(of) => of(stats).failed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_those_of_the_model_and_each_stands_once() {
        let fields: BTreeSet<&str> = MEASURES.iter().map(|measure| measure.field).collect();
        let columns: BTreeSet<&str> = MEASURES.iter().map(|measure| measure.csv).collect();
        assert_eq!((fields.len(), columns.len()), (MEASURES.len(), MEASURES.len()));
        for kind in WaitKind::ALL {
            assert!(fields.contains(format!("wait({})", kind.name()).as_str()));
            assert!(columns.contains(kind.name().replace('-', "_").as_str()));
        }
        for collision in Collision::ALL {
            assert!(fields.contains(format!("collisions({})", collision.name()).as_str()));
        }
    }
}
