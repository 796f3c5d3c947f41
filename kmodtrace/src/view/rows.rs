//! The rows of a view that the cursor can be on.

use kmodtrace_core::monitor::{Body, ModuleNow, NowRow, Picture, RequestNow};

use super::columns;
use super::pages;
use super::row::{Name, Row};
use super::state::State;
use super::tab::Tab;

/// Of the view that is shown, as they are shown: filtered and sorted.
pub(super) fn shown(state: &State, picture: &Picture) -> Vec<Row> {
    match &picture.body {
        Body::Modules(all) => modules(state, all)
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
        Body::Evidence(all) => places(all.as_ref().map_or(0, |all| all.shown.len())),
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
    matches!(state.tab, Tab::Module | Tab::Graph)
}

/// The module that a row is about, where that is known.
pub(super) fn module_of(state: &State, picture: &Picture, at: usize) -> Option<Name> {
    let name = match &picture.body {
        Body::Modules(all) => return modules(state, all).get(at).map(|module| Name(module.row.name.clone())),
        Body::Now(all) => now(state, all).get(at)?.module.clone(),
        Body::Evidence(Some(all)) => all.shown.get(at)?.module.clone(),
        Body::Lanes(all) => all.lanes.get(at.checked_sub(all.first)?)?.module.clone(),
        _ => None,
    };
    name.map(|name| Name(Some(name)))
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
