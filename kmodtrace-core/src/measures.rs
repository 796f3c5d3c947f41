//! The numbers of a module: one table, which rules, comparisons, CSV and sorting read.
//!
//! One more number is a value in [`ModuleStats`], and a row here at the end: columns of CSV keep their places.

use crate::analysis::aggregate::{Calls, ModuleStats};
use crate::analysis::histogram::Histogram;
use crate::model::{Collision, ModuleState, WaitKind};
use crate::plan::{Coverage, Observed};
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
    /// Its column in CSV, or what the columns of its statistics begin with.
    pub csv: &'static str,
    /// What `--sort` calls it; empty where nobody sorts by it.
    pub sort: &'static str,
    /// What has to be seen for it; none for what every plan sees.
    pub observed: Option<Observed>,
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
    Parts(&'static str, &'static [(&'static str, &'static str)]),
}

/// What waits are compared by; of other times it is the middle and the longest.
const OF_WAITS: &[(&str, &str)] = &[("count", "count"), ("total", "total"), ("p50", "p50"), ("max", "max")];
/// Of init functions.
const OF_INIT: &[(&str, &str)] = &[("count", "runs"), ("total", "total"), ("p50", "p50"), ("max", "max")];
/// Of loads.
const OF_LOADS: &[(&str, &str)] = &[("p50", "p50"), ("max", "max")];

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

/// All statistics, in the order of CSV.
pub static STATS: [Stat; 6] = {
    const fn stat(name: &'static str, unit: Unit, only_grows: bool, of: fn(&Histogram) -> Option<u64>) -> Stat {
        Stat {
            name,
            unit,
            only_grows,
            of,
        }
    }
    [
        stat("count", Unit::Count, true, |times| Some(times.count())),
        stat("total", Unit::Nanoseconds, true, |times| Some(times.sum())),
        stat("p50", Unit::Nanoseconds, false, |times| times.quantile(0.5)),
        stat("p90", Unit::Nanoseconds, false, |times| times.quantile(0.9)),
        stat("p99", Unit::Nanoseconds, false, |times| times.quantile(0.99)),
        stat("max", Unit::Nanoseconds, true, Histogram::max),
    ]
};

/// Of one kind of wait.
macro_rules! waits {
    ($kind:ident, $name:literal, $csv:literal) => {
        Measure {
            field: concat!("wait(", $name, ")"),
            help: concat!($name, " waits"),
            compared: Compared::Parts(concat!("wait ", $name), OF_WAITS),
            csv: $csv,
            sort: "",
            observed: Some(Observed::waits(WaitKind::$kind)),
            value: Value::Times("waits", |stats| stats.waits.get(&WaitKind::$kind)),
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
            sort: "",
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
        }
    };
}

/// All measures, in the order of CSV.
pub static MEASURES: [Measure; 25] = [
    Measure {
        field: "attempts",
        help: "calls of init_module and finit_module",
        compared: Compared::Number("attempts"),
        csv: "attempts",
        sort: "attempts",
        observed: None,
        value: Value::Number(Unit::Count, |stats| Some(stats.loads.count)),
    },
    Measure {
        field: "ok",
        help: "those that succeeded",
        compared: Compared::Not,
        csv: "ok",
        sort: "",
        observed: None,
        value: Value::Number(Unit::Count, |stats| Some(stats.loads.ok())),
    },
    Measure {
        field: "failed",
        help: "those that returned an error",
        compared: Compared::Not,
        csv: "failed",
        sort: "failed",
        observed: None,
        value: Value::Number(Unit::Count, |stats| Some(stats.loads.failed())),
    },
    Measure {
        field: "unfinished",
        help: "those that had not returned at the end",
        compared: Compared::Not,
        csv: "unfinished",
        sort: "",
        observed: None,
        value: Value::Number(Unit::Count, |stats| Some(stats.loads.unfinished)),
    },
    Measure {
        field: "errno",
        help: "those that returned this errno, such as errno(EINVAL)",
        compared: Compared::Any("errno"),
        csv: "outcomes",
        sort: "",
        observed: None,
        value: Value::Outcomes(|stats| &stats.loads),
    },
    waits!(SameInode, "same-inode", "same_inode"),
    waits!(SameName, "same-name", "same_name"),
    waits!(Async, "async", "async"),
    Measure {
        field: "load",
        help: "from entry to return of loads that went ahead themselves",
        compared: Compared::Parts("load", OF_LOADS),
        csv: "load",
        sort: "load",
        observed: None,
        value: Value::Times("count", |stats| Some(&stats.load)),
    },
    Measure {
        field: "init",
        help: "init functions; init.count is how often they ran",
        compared: Compared::Parts("init", OF_INIT),
        csv: "init",
        sort: "init",
        observed: Some(Observed::InitTimes),
        value: Value::Times("count", |stats| Some(&stats.init)),
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
        csv: "going_windows",
        sort: "",
        observed: Some(Observed::GoingWindows),
        value: Value::Number(Unit::Count, |stats| Some(stats.state(ModuleState::Going).spans)),
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
    },
    Measure {
        field: "going.longest",
        help: "and the longest time",
        compared: Compared::Not,
        csv: "going_longest_ns",
        sort: "",
        observed: Some(Observed::GoingWindows),
        value: Value::Number(Unit::Nanoseconds, |stats| stats.state(ModuleState::Going).longest_ns),
    },
    Measure {
        field: "wasted_bytes",
        help: "bytes read by loads that failed",
        compared: Compared::Number("wasted"),
        csv: "wasted_bytes",
        sort: "wasted",
        observed: Some(Observed::ReadBytes),
        value: Value::Number(Unit::Bytes, |stats| Some(stats.wasted_bytes)),
    },
    Measure {
        field: "unloads",
        help: "calls of delete_module",
        compared: Compared::Any("unloads"),
        csv: "unloads",
        sort: "",
        observed: None,
        value: Value::Number(Unit::Count, |stats| Some(stats.unloads.count)),
    },
    Measure {
        field: "",
        help: "what calls of delete_module came to",
        compared: Compared::Not,
        csv: "unload_outcomes",
        sort: "",
        observed: None,
        value: Value::Outcomes(|stats| &stats.unloads),
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

    /// Whether it is compared for all modules together, too: calls and waits are.
    pub fn is_of_all(&self) -> bool {
        matches!(self.value, Value::Times("waits", _)) || ["attempts", "errno"].contains(&self.field)
    }

    /// What modules are sorted by: the number, or the sum of a distribution; 0 where nobody watched.
    pub fn weight(&self, stats: &ModuleStats, coverage: &Coverage) -> u64 {
        if !self.is_observed(coverage) {
            return 0;
        }
        match self.value {
            Value::Number(_, of) => of(stats).unwrap_or_default(),
            Value::Times(_, of) => of(stats).map_or(0, Histogram::sum),
            Value::Outcomes(of) => of(stats).count,
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
