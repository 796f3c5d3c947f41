//! The rows of a view that the cursor can be on.

use kmodtrace_core::monitor::{Body, LaneOf, ModuleNow, NowRow, Picture, RequestNow, Topic};

use super::columns;
use super::pages;
use super::row::{Name, Row};
use super::state::State;
use super::tab::Tab;

/// Of the view that is shown, as they are shown: filtered and sorted.
pub(super) fn shown(state: &State, picture: &Picture) -> Vec<Row> {
    match &picture.body {
        Body::Modules(all) => modules(state, &all.rows)
            .iter()
            .map(|module| Row::Module(Name(module.row.name.clone())))
            .collect(),
        Body::Now(all) => now(state, all).iter().map(|row| Row::Id(row.id)).collect(),
        Body::Requests(Some(all)) => requests(state, &all.rows).iter().map(|row| Row::Id(row.id)).collect(),
        Body::Requests(None) => Vec::new(),
        Body::Findings(all) => {
            let shown = all
                .iter()
                .enumerate()
                .filter(|(_, finding)| state.lets_through(&finding.text()));
            shown.map(|(at, _)| Row::Place(at)).collect()
        }
        Body::Probes(all) => {
            let shown = all
                .iter()
                .enumerate()
                .filter(|(_, probe)| state.lets_through(&probe.id));
            shown.map(|(at, _)| Row::Place(at)).collect()
        }
        Body::Topic(all) => places(all.as_ref().map_or(0, |all| all.leads.len())),
        Body::Lanes(all) => places(all.total),
        Body::Graph(_) | Body::Module(_) => places(pages::length(state, picture)),
    }
}

fn places(count: usize) -> Vec<Row> {
    (0..count).map(Row::Place).collect()
}

/// What these rows stand for, of those that they are the places of.
pub(super) fn placed<'p, T>(rows: &[Row], all: &'p [T]) -> Vec<&'p T> {
    let one = |row: &Row| match row {
        Row::Place(at) => all.get(*at),
        Row::Module(_) | Row::Id(_) => None,
    };
    rows.iter().filter_map(one).collect()
}

/// Whether the view is text to scroll in, without a cursor.
pub(super) fn is_text(state: &State) -> bool {
    state.topic.is_none() && matches!(state.tab, Tab::Module | Tab::Graph)
}

/// What a row leads to.
pub(super) fn leads_to(state: &State, picture: &Picture, at: usize) -> Option<Topic> {
    match &picture.body {
        Body::Modules(all) => modules(state, &all.rows)
            .get(at)
            .map(|module| Topic::Module(module.row.name.clone())),
        Body::Now(all) => now(state, all).get(at).map(|row| Topic::Attempt(row.id)),
        Body::Requests(Some(all)) => requests(state, &all.rows).get(at).map(|row| Topic::Request(row.id)),
        Body::Findings(_) => match shown(state, picture).get(at)? {
            Row::Place(place) => Some(Topic::Evidence(*place)),
            Row::Module(_) | Row::Id(_) => None,
        },
        Body::Topic(Some(all)) => all.leads.get(at).map(|lead| lead.to.clone()),
        Body::Lanes(all) => {
            let lane = all.lanes.get(at.checked_sub(all.first)?)?;
            match all.of {
                LaneOf::Attempt => lane.attempts.first().map(|attempt| Topic::Attempt(attempt.id)),
                LaneOf::Task => Some(Topic::Task(lane.tid)),
            }
        }
        Body::Module(Some(detail)) => Some(Topic::Loads(detail.now.row.name.clone())),
        Body::Module(None) | Body::Requests(None) | Body::Topic(None) | Body::Graph(_) | Body::Probes(_) => None,
    }
}

/// Modules in their order: the pinned ones first.
pub(super) fn modules<'p>(state: &State, all: &'p [ModuleNow]) -> Vec<&'p ModuleNow> {
    let name = |module: &ModuleNow| module.row.name.clone().unwrap_or_else(|| columns::UNKNOWN.to_owned());
    let pinned = |module: &ModuleNow| state.is_pinned(module);
    let mut shown: Vec<&ModuleNow> = all
        .iter()
        .filter(|module| pinned(module) || state.lets_through(&name(module)))
        .collect();
    // They come by name, and what is equal stays in that order.
    shown.sort_by(|a, b| {
        let order = columns::compare(state.sort, a, b);
        let order = if state.reverse { order.reverse() } else { order };
        pinned(b).cmp(&pinned(a)).then(order)
    });
    shown
}

/// Attempts in flight.
pub(super) fn now<'p>(state: &State, all: &'p [NowRow]) -> Vec<&'p NowRow> {
    let text = |row: &NowRow| format!("{} {}", row.module.as_deref().unwrap_or(columns::UNKNOWN), row.comm);
    all.iter().filter(|row| state.lets_through(&text(row))).collect()
}

/// Requests.
pub(super) fn requests<'p>(state: &State, all: &'p [RequestNow]) -> Vec<&'p RequestNow> {
    all.iter()
        .filter(|row| state.lets_through(&format!("{} {}", row.name, row.comm)))
        .collect()
}
