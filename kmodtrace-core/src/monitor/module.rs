//! One module: distributions, where time went, its GOING windows, who asked for it, and why it failed.

use std::collections::BTreeMap;

use super::{ModuleNow, Monitor, modules};
use crate::analysis::drill::{Load, TreeLimits, write_text};
use crate::analysis::histogram::Bucket;
use crate::analysis::why::{Filter, Reason, WhyFold};
use crate::model::{Attempt, Collision, Finished, RequestId, Stage, Zero};
use crate::report::{SpanRow, distributions};
use crate::text::Names;

/// What is shown of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleDetail {
    /// Its row.
    pub now: ModuleNow,
    /// Load, wait and init times; those that did not happen are left out.
    pub bars: Vec<Bars>,
    /// Where the time of all its loads went, in the order in which a load passes.
    pub stages: Vec<StageShare>,
    /// GOING windows that are kept, in the order in which they began.
    pub going: Vec<SpanRow>,
    /// Loads that are kept and met an old module, by their entry.
    pub hits: Vec<Hit>,
    /// Who asked for it, how often, the most frequent first; of the loads that are kept.
    pub requesters: Vec<(String, u64)>,
    /// Why its loads failed, as `kmodtrace why` says; of the loads that are kept.
    pub why: Vec<Reason>,
    /// The calls inside the last load that is kept and that ran one of the functions that were asked for, as `kmodtrace drill`
    /// shows them.
    pub inside: Vec<String>,
}

/// A distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bars {
    /// `load time`, `same-name waits`.
    pub title: String,
    /// How many values.
    pub count: u64,
    /// By powers of two, nanoseconds.
    pub rows: Vec<Bucket>,
}

/// The time that loads spent in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageShare {
    /// The stage.
    pub stage: Stage,
    /// Nanoseconds, of all loads.
    pub total_ns: u64,
}

/// A load that met an old module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// When it entered.
    pub start_ns: u64,
    /// When it returned; none where that was not seen.
    pub end_ns: Option<u64>,
    /// In which state.
    pub state: Collision,
}

/// Of the module of this name.
pub(super) fn detail(monitor: &Monitor, name: Option<&str>) -> Option<ModuleDetail> {
    let now = modules::rows(monitor)
        .into_iter()
        .find(|now| now.row.name.as_deref() == name)?;
    let own: Vec<&Attempt> = monitor
        .history
        .attempts()
        .filter(|attempt| attempt.module.as_deref() == name)
        .collect();
    let bars = distributions(&now.row)
        .into_iter()
        .filter(|(_, values)| values.count() > 0);
    let bars = bars.map(|(title, values)| Bars {
        title,
        count: values.count(),
        rows: values.octaves(),
    });
    let stages = now
        .row
        .stats
        .stages
        .iter()
        .map(|(&stage, &total_ns)| StageShare { stage, total_ns });
    let mut hits: Vec<Hit> = own.iter().filter_map(|attempt| hit(attempt)).collect();
    hits.sort_by_key(|hit| hit.start_ns);
    let mut going: Vec<SpanRow> = monitor
        .history
        .going()
        .filter(|window| Some(window.module.as_str()) == name)
        .map(|window| SpanRow {
            start_ns: window.span.start.0,
            duration_ns: window.span.duration().map(|long| long.0),
        })
        .collect();
    going.sort_by_key(|window| window.start_ns);
    Some(ModuleDetail {
        bars: bars.collect(),
        stages: stages.collect(),
        going,
        hits,
        requesters: requesters(monitor, &own),
        why: why(monitor, name),
        inside: inside(monitor, &own),
        now,
    })
}

fn hit(attempt: &Attempt) -> Option<Hit> {
    Some(Hit {
        start_ns: attempt.start?.0,
        end_ns: attempt.end.map(|end| end.0),
        state: attempt.collided_with?,
    })
}

/// The kernel where it was, else who started the loader.
fn requesters(monitor: &Monitor, own: &[&Attempt]) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for attempt in own.iter().filter(|attempt| !attempt.is_unload()) {
        let parent = attempt
            .parent
            .as_ref()
            .map(|parent| parent.comm.as_str())
            .filter(|comm| !comm.is_empty());
        let by = match (attempt.request, parent) {
            (Some(request), _) => asked(monitor, request),
            (None, Some(parent)) => format!("{} < {parent}", attempt.comm),
            (None, None) => attempt.comm.clone().into(),
        };
        *counts.entry(by).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

/// `request of fs-xfs by mount`
fn asked(monitor: &Monitor, id: RequestId) -> String {
    match monitor.request_of(id) {
        Some(request) => format!("request of {} by {}", request.name, request.comm),
        None => "a request of the kernel".to_owned(),
    }
}

fn inside(monitor: &Monitor, own: &[&Attempt]) -> Vec<String> {
    let Some(attempt) = own.iter().rev().find(|attempt| !attempt.calls.is_empty()) else {
        return Vec::new();
    };
    let mut text = Vec::new();
    // Nothing keeps bytes from going into a vector.
    let _ = write_text(
        &Load::new(attempt, &monitor.functions),
        TreeLimits::default(),
        &mut text,
    );
    String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
}

/// Everything that is kept goes in: what a failure follows from may be another module's.
fn why(monitor: &Monitor, name: Option<&str>) -> Vec<Reason> {
    let Some(name) = name else { return Vec::new() };
    let filter = Filter {
        modules: Names::matching([name]),
        ..Filter::default()
    };
    let mut fold = WhyFold::new(filter, Zero::Boot, &monitor.functions, monitor.source.coverage.clone())
        .in_environment(monitor.environment.as_ref());
    for request in monitor.history.requests() {
        fold.add(Finished::Request(Box::new(request.clone())));
    }
    for attempt in monitor.history.attempts() {
        fold.add(Finished::Attempt(Box::new(attempt.clone())));
    }
    fold.finish(monitor.start()).causes
}
