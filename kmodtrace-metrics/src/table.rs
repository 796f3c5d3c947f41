//! The table of metrics: what there is, and how it is read from a [`Meter`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use kmodtrace_core::analysis::aggregate::{Calls, ModuleStats};
use kmodtrace_core::analysis::histogram::Histogram;
use kmodtrace_core::model::{Collision, ModuleState};
use kmodtrace_core::plan::Observed;
use kmodtrace_core::text::printable;

use crate::meter::Meter;
use crate::names::{OTHERS, errno_name};
use crate::samples::{Kind, Labels, Samples, Unit, Value};

/// What stands for a name that was not seen.
const UNKNOWN: &str = "(unknown)";
/// The outcome of a call whose return was not seen.
const UNSEEN: &str = "(unseen)";

/// A row.
#[derive(Debug)]
#[non_exhaustive]
pub struct Metric {
    /// Its name, without that of the program, the unit, and what formats add to it.
    pub name: &'static str,
    /// What it is, for people: a clause without a full stop.
    pub help: &'static str,
    /// In what it is measured.
    pub unit: Unit,
    /// What it is.
    pub kind: Kind,
    /// The names of its labels. `tag_*` stands for those that tags have.
    pub labels: &'static [&'static str],
    /// What has to be seen for it; none where each sample has needs of its own, or there are none.
    pub observed: Option<Observed>,
    /// Adds its samples.
    pub(crate) fill: for<'m> fn(&'m Meter, &mut Samples<'m>),
}

/// A row with its samples.
#[derive(Debug)]
pub struct Family<'m> {
    /// The row.
    pub metric: &'static Metric,
    /// One sample at least.
    pub samples: BTreeMap<Labels, Value<'m>>,
}

impl Meter {
    /// All rows of the table that have a sample, as of now.
    pub fn families(&self) -> Vec<Family<'_>> {
        let observed = |metric: &&Metric| metric.observed.is_none_or(|what| self.observed(what));
        let family = |metric: &'static Metric| {
            let mut samples = Samples::new(metric.labels);
            (metric.fill)(self, &mut samples);
            let samples = samples.all;
            (!samples.is_empty()).then_some(Family { metric, samples })
        };
        METRICS.iter().filter(observed).filter_map(family).collect()
    }
}

/// A counter of all that every plan sees. Every row differs from it in what it says.
const COUNTER: Metric = Metric {
    name: "",
    help: "",
    unit: Unit::Count,
    kind: Kind::Counter,
    labels: &["module"],
    observed: None,
    fill: |_, _| {},
};

/// A text.
const INFO: Metric = Metric {
    kind: Kind::Info,
    ..COUNTER
};

/// All metrics, in the order in which they are written.
pub static METRICS: &[Metric] = &[
    Metric {
        name: "loads",
        help: "Calls of init_module and finit_module that returned",
        labels: &["module", "outcome"],
        fill: |meter, samples| outcomes(meter, samples, |stats| &stats.loads),
        ..COUNTER
    },
    Metric {
        name: "failures",
        help: "Loads that failed, by the function that returned the errno first",
        labels: &["errno", "function"],
        fill: |meter, samples| {
            for ((errno, function), count) in &meter.failures {
                samples.add([errno, function], Value::Count(*count));
            }
        },
        ..COUNTER
    },
    Metric {
        name: "load",
        help: "Time from entry to return of loads that went ahead themselves",
        unit: Unit::Seconds,
        kind: Kind::Histogram,
        fill: |meter, samples| {
            for (module, stats) in modules(meter) {
                if stats.load.count() > 0 {
                    samples.add([module], Value::Times(Cow::Borrowed(&stats.load)));
                }
            }
        },
        ..COUNTER
    },
    Metric {
        name: "init",
        help: "Time in the init function",
        unit: Unit::Seconds,
        kind: Kind::Histogram,
        observed: Some(Observed::InitTimes),
        fill: |meter, samples| {
            for (module, stats) in modules(meter) {
                if stats.init.count() > 0 {
                    samples.add([module], Value::Times(Cow::Borrowed(&stats.init)));
                }
            }
        },
        ..COUNTER
    },
    Metric {
        name: "waits",
        help: "Waits inside loads that ended, by what they were for",
        labels: &["module", "kind"],
        fill: |meter, samples| {
            waits(meter, |module, kind, times| {
                samples.add([module, kind], Value::Count(times.count()));
            });
        },
        ..COUNTER
    },
    Metric {
        name: "wait",
        help: "Time of the waits inside loads that ended, by what they were for",
        unit: Unit::Seconds,
        labels: &["module", "kind"],
        fill: |meter, samples| {
            waits(meter, |module, kind, times| {
                samples.add([module, kind], Value::Nanoseconds(times.sum()));
            });
        },
        ..COUNTER
    },
    Metric {
        name: "going_windows",
        help: "Times in which the module could be neither used nor loaded again, and which ended",
        observed: Some(Observed::GoingWindows),
        fill: |meter, samples| going(meter, |module, spans, _| samples.add([module], Value::Count(spans))),
        ..COUNTER
    },
    Metric {
        name: "going",
        help: "Time in which the module could be neither used nor loaded again",
        unit: Unit::Seconds,
        observed: Some(Observed::GoingWindows),
        fill: |meter, samples| {
            going(meter, |module, _, nanos| {
                samples.add([module], Value::Nanoseconds(nanos));
            });
        },
        ..COUNTER
    },
    Metric {
        name: "collisions",
        help: "Loads by the state of what stood in their way",
        labels: &["module", "state"],
        fill: |meter, samples| {
            for (module, stats) in modules(meter) {
                let observed = |(state, _): &(&Collision, &u64)| meter.observed(Observed::collisions(**state));
                for (state, count) in stats.collisions.iter().filter(observed) {
                    samples.add([module, state.name()], Value::Count(*count));
                }
            }
        },
        ..COUNTER
    },
    Metric {
        name: "wasted",
        help: "Bytes read from files, or handed over, by loads that failed",
        unit: Unit::Bytes,
        observed: Some(Observed::ReadBytes),
        fill: |meter, samples| {
            for (module, stats) in modules(meter) {
                if stats.loads.count > 0 {
                    samples.add([module], Value::Count(stats.wasted_bytes));
                }
            }
        },
        ..COUNTER
    },
    Metric {
        name: "unloads",
        help: "Calls of delete_module that returned",
        labels: &["module", "outcome"],
        fill: |meter, samples| outcomes(meter, samples, |stats| &stats.unloads),
        ..COUNTER
    },
    Metric {
        name: "requests",
        help: "Requests of the kernel for a module that were answered",
        labels: &["request", "outcome"],
        observed: Some(Observed::Requests),
        fill: |meter, samples| {
            for (name, stats) in &meter.aggregates.requests {
                let name = if name.is_empty() { UNKNOWN } else { name };
                for (outcome, count) in &stats.outcomes {
                    samples.add([name, named(outcome)], Value::Count(*count));
                }
                if stats.unfinished > 0 {
                    samples.add([name, UNSEEN], Value::Count(stats.unfinished));
                }
            }
        },
        ..COUNTER
    },
    Metric {
        name: "in_flight",
        help: "Calls and requests that have not returned",
        kind: Kind::Gauge,
        labels: &["call"],
        fill: |meter, samples| {
            let count = |unload| meter.in_flight().filter(|one| one.is_unload() == unload).count() as u64;
            samples.add(["load"], Value::Count(count(false)));
            samples.add(["unload"], Value::Count(count(true)));
            if meter.observed(Observed::Requests) {
                let requests = meter.requests_in_flight().count() as u64;
                samples.add(["request"], Value::Count(requests));
            }
        },
        ..COUNTER
    },
    Metric {
        name: "lost_records",
        help: "Records lost between the kernel and kmodtrace",
        labels: &[],
        fill: |meter, samples| samples.add([], Value::Count(meter.lost)),
        ..COUNTER
    },
    Metric {
        name: "missed_hits",
        help: "Runs of probes that the kernel skipped; of recordings only, since nobody knows while tracing goes on",
        labels: &[],
        fill: |meter, samples| {
            if let Some(missed) = meter.missed {
                samples.add([], Value::Count(missed));
            }
        },
        ..COUNTER
    },
    Metric {
        name: "clipped_calls",
        help: "Calls of which only entry and return were recorded, because a map was full",
        labels: &[],
        fill: |meter, samples| samples.add([], Value::Count(meter.loss().counters().clipped)),
        ..COUNTER
    },
    Metric {
        name: "refused_calls",
        help: "Calls without CAP_SYS_MODULE that were only counted, because there were many",
        labels: &["program"],
        fill: |meter, samples| {
            for refused in meter.loss().refused() {
                let program = if refused.comm.is_empty() { OTHERS } else { &refused.comm };
                samples.add([program], Value::Count(refused.calls));
            }
        },
        ..COUNTER
    },
    Metric {
        name: "unobserved",
        help: "What this kernel hides, or nobody asked for: its metrics are missing, not 0",
        kind: Kind::Gauge,
        labels: &["what"],
        fill: |meter, samples| {
            for what in Observed::ALL.into_iter().filter(|what| !meter.observed(*what)) {
                samples.add([what.name()], Value::Count(1));
            }
        },
        ..COUNTER
    },
    Metric {
        name: "start_time",
        help: "When tracing began, since 1970",
        unit: Unit::Seconds,
        kind: Kind::Gauge,
        labels: &[],
        fill: |meter, samples| samples.add([], Value::Nanoseconds(meter.start_ns)),
        ..COUNTER
    },
    Metric {
        name: "build",
        help: "The version of kmodtrace",
        labels: &["version"],
        fill: |_, samples| samples.add([env!("CARGO_PKG_VERSION")], Value::Count(1)),
        ..INFO
    },
    Metric {
        name: "kernel",
        help: "The kernel that was traced, as uname has it",
        labels: &["release", "version", "arch"],
        fill: |meter, samples| {
            let kernel = &meter.kernel;
            samples.add([&kernel.release, &kernel.version, &kernel.arch], Value::Count(1));
        },
        ..INFO
    },
    Metric {
        name: "target",
        help: "The machine that was traced, as --host and --tag have it",
        labels: &["host", "tag_*"],
        fill: |meter, samples| {
            let shown = |(name, value): (&String, &String)| (Cow::Owned(name.clone()), printable(value).into_owned());
            if !meter.target.is_empty() {
                samples.add_named(meter.target.iter().map(shown).collect(), Value::Count(1));
            }
        },
        ..INFO
    },
];

/// Each module with its name.
fn modules(meter: &Meter) -> impl Iterator<Item = (&str, &ModuleStats)> {
    let modules = meter.aggregates.modules.iter();
    modules.map(|(name, stats)| (name.as_deref().unwrap_or(UNKNOWN), stats))
}

fn outcomes<'m>(meter: &'m Meter, samples: &mut Samples<'m>, of: fn(&ModuleStats) -> &Calls) {
    for (module, stats) in modules(meter) {
        let calls = of(stats);
        for (errno, count) in &calls.outcomes {
            samples.add([module, &errno_name(*errno)], Value::Count(*count));
        }
        if calls.unfinished > 0 {
            samples.add([module, UNSEEN], Value::Count(calls.unfinished));
        }
    }
}

fn waits<'m>(meter: &'m Meter, mut add: impl FnMut(&str, &str, &'m Histogram)) {
    for (module, stats) in modules(meter) {
        for (kind, times) in &stats.waits {
            if meter.observed(Observed::waits(*kind)) {
                add(module, kind.name(), times);
            }
        }
    }
}

fn going(meter: &Meter, mut add: impl FnMut(&str, u64, u64)) {
    for (module, stats) in modules(meter) {
        if let Some(times) = stats.states.get(&ModuleState::Going) {
            add(module, times.spans, times.total_ns);
        }
    }
}

/// The outcome of a request, which is no errno where its modprobe failed.
fn named(outcome: &str) -> &str {
    if outcome.starts_with("errno ") { OTHERS } else { outcome }
}
