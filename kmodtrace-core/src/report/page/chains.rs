//! Requests as chains: who asked, inside which load, for what, and which loads that led to.

use std::collections::BTreeMap;

use crate::report::{AttemptRow, Report, Rows};
use crate::text::printable;

/// Chains that a page has room for.
const CHAINS: usize = 200;

/// A request, and what its helper did.
pub(super) struct Chain {
    pub(super) id: u64,
    pub(super) comm: String,
    pub(super) call_site: Option<String>,
    pub(super) inside: Option<Linked>,
    pub(super) name: String,
    pub(super) outcome: String,
    pub(super) loads: Vec<Linked>,
}

/// A load, in words where it is known.
pub(super) struct Linked {
    pub(super) id: u64,
    /// Empty where the page has no row of it.
    pub(super) words: String,
}

/// The first of them, and how many more there are.
pub(super) fn chains(report: &Report) -> (Vec<Chain>, usize) {
    let linked = |id: u64| Linked {
        id,
        words: String::new(),
    };
    let (mut chains, mut more) = (Vec::new(), 0);
    for row in report.requests.iter().flat_map(Rows::iter) {
        let loads = row.helper.map(|helper| helper.attempts).unwrap_or_default();
        if loads.is_empty() && row.inside.is_none() {
            continue;
        }
        if chains.len() >= CHAINS {
            more += 1;
            continue;
        }
        let shown = |text: &str| printable(text).into_owned();
        chains.push(Chain {
            id: row.id,
            comm: shown(&row.comm),
            call_site: row.call_site.as_deref().map(shown),
            inside: row.inside.map(linked),
            name: shown(&row.name),
            outcome: shown(row.outcome.as_deref().unwrap_or("its answer was not seen")),
            loads: loads.into_iter().map(linked).collect(),
        });
    }
    say_what_they_are(&mut chains, report);
    (chains, more)
}

/// Finds the words of loads. To make their rows takes another reading, which is spared where there is no chain.
fn say_what_they_are(chains: &mut [Chain], report: &Report) {
    let mut unsaid: BTreeMap<u64, Vec<&mut Linked>> = BTreeMap::new();
    for load in chains
        .iter_mut()
        .flat_map(|chain| chain.inside.iter_mut().chain(&mut chain.loads))
    {
        unsaid.entry(load.id).or_default().push(load);
    }
    if unsaid.is_empty() {
        return;
    }
    for row in [&report.attempts, &report.unloads]
        .into_iter()
        .flatten()
        .flat_map(Rows::iter)
    {
        for load in unsaid.get_mut(&row.id).into_iter().flatten() {
            load.words = said(&row);
        }
    }
}

/// `xfs OK`
fn said(row: &AttemptRow) -> String {
    let module = row.module.as_deref().unwrap_or("(unknown)");
    let outcome = row.errno_name.as_deref().unwrap_or("not returned");
    printable(&format!("{module} {outcome}")).into_owned()
}
