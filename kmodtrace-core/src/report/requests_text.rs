//! Requests in the report for people.

use super::cell::{NONE, count, instant, outcomes_text, span};
use super::{NOT_OBSERVED, RequestRow, RequestedRow, Spread};
use crate::model::Zero;
use crate::text::Grid;

/// A row for each name.
pub(super) fn requested(rows: &[RequestedRow]) -> Grid {
    let mut grid = Grid::new(&[
        "<REQUESTS",
        "count",
        "OK",
        "<failed",
        "SLOTS",
        "longest",
        "HELPER p50",
        "max",
        "TOTAL p50",
        "max",
    ]);
    for row in rows {
        let slots = row.slot_ns.as_ref();
        // The program itself is what takes the time; queue and fork are in the other formats.
        let run = |of: fn(&Spread) -> Option<u64>| match &row.run_ns {
            Some(run) => span(of(run)),
            None => NOT_OBSERVED.to_owned(),
        };
        grid.row(vec![
            named(&row.name),
            row.count.to_string(),
            row.outcomes.get("OK").copied().unwrap_or_default().to_string(),
            outcomes_text(&row.outcomes, row.unfinished),
            count(slots.map(|slots| slots.count)),
            slots.map_or_else(|| NOT_OBSERVED.to_owned(), |slots| span(slots.max)),
            run(|run| run.p50),
            run(|run| run.max),
            span(row.total_ns.p50),
            span(row.total_ns.max),
        ]);
    }
    grid
}

/// A row for each request.
pub(super) fn requests(rows: &mut dyn Iterator<Item = RequestRow>, zero: Zero) -> Grid {
    let mut grid = Grid::new(&[
        "REQUEST", "START s", "TID", "<COMM", "<NAME", "<RESULT", "TIME", "SLOT", "HELPER", "<CALLER", "<ORIGIN",
    ]);
    for row in rows {
        let caller = row.caller.as_ref();
        let site = caller.map(|caller| caller.function.as_str());
        grid.row(vec![
            row.id.to_string(),
            instant(row.start_ns, zero),
            row.tid.to_string(),
            row.comm.clone(),
            named(&row.name),
            row.outcome.clone().unwrap_or_else(|| NONE.to_owned()),
            span(row.duration_ns),
            span(row.slot.as_ref().and_then(|slot| slot.duration_ns)),
            span(row.helper.as_ref().and_then(|helper| helper.duration_ns)),
            site.or(row.call_site.as_deref()).unwrap_or(NONE).to_owned(),
            row.origin
                .as_ref()
                .map_or_else(|| NONE.to_owned(), super::OriginRow::words),
        ]);
    }
    grid
}

fn named(name: &str) -> String {
    if name.is_empty() { "(unknown)" } else { name }.to_owned()
}
