//! Where the time went, and how it is distributed, as bars.

use crate::model::Stage;
use crate::picture::Percent;
use crate::report::{Report, distributions};
use crate::text::{printable, span_text};

/// Distributions that a page has room for.
const DISTRIBUTIONS: usize = 60;
/// Pixels of the highest bar.
const HEIGHT: f64 = 36.0;

/// A stage and all the time that loads spent in it.
pub(super) struct StageBar {
    pub(super) name: &'static str,
    pub(super) letter: char,
    pub(super) nanos: u64,
    pub(super) time: String,
    /// Share of the longest one.
    pub(super) width: Percent,
    /// Share of all of them, in words.
    pub(super) share: String,
}

/// A distribution by powers of two.
pub(super) struct Distribution {
    pub(super) module: String,
    pub(super) what: String,
    pub(super) count: u64,
    pub(super) total: String,
    pub(super) bars: Vec<Octave>,
    pub(super) from: String,
    pub(super) to: String,
}

/// One of its bars.
pub(super) struct Octave {
    pub(super) x: usize,
    pub(super) y: f64,
    pub(super) height: f64,
    pub(super) title: String,
}

pub(super) fn stages(report: &Report) -> Vec<StageBar> {
    let stages = report.account.as_ref().map_or(&[][..], |account| &account.stages);
    let all = stages.iter().fold(0_u64, |sum, (_, long)| sum.saturating_add(*long));
    let most = stages.iter().map(|(_, long)| *long).max().unwrap_or_default();
    let bar = |(stage, long): &(Stage, u64)| StageBar {
        name: stage.name(),
        letter: stage.letter(),
        nanos: *long,
        time: span_text(*long),
        width: Percent::of(*long, most),
        share: format!("{:.1} %", Percent::of(*long, all).0),
    };
    stages.iter().filter(|(_, long)| *long > 0).map(bar).collect()
}

/// Those of more than one value with most time first, and how many of these are left out.
pub(super) fn distributions_of(report: &Report) -> (Vec<Distribution>, usize) {
    let rows = report.modules.iter();
    let all = rows.flat_map(|row| {
        distributions(row)
            .into_iter()
            .map(move |(what, histogram)| (row, what, histogram))
    });
    let mut all: Vec<_> = all.filter(|(.., histogram)| histogram.count() > 1).collect();
    all.sort_by_key(|(.., histogram)| std::cmp::Reverse(histogram.sum()));
    let left_out = all.len().saturating_sub(DISTRIBUTIONS);
    let drawn = all.into_iter().take(DISTRIBUTIONS).map(|(row, what, histogram)| {
        let octaves = histogram.octaves();
        let most = octaves.iter().map(|row| row.count).max().unwrap_or_default();
        let text = |value: Option<u64>| span_text(value.unwrap_or_default());
        let bars = octaves
            .iter()
            .enumerate()
            .filter(|(_, row)| row.count > 0)
            .map(|(at, row)| {
                let height = (Percent::of(row.count, most).0 / 100.0 * HEIGHT).max(1.5);
                Octave {
                    x: at,
                    y: HEIGHT - height,
                    height,
                    title: format!(
                        "{} from {} to {}",
                        row.count,
                        span_text(row.lower),
                        span_text(row.upper)
                    ),
                }
            });
        Distribution {
            module: printable(row.name.as_deref().unwrap_or("(unknown)")).into_owned(),
            what,
            count: histogram.count(),
            total: span_text(histogram.sum()),
            bars: bars.collect(),
            from: text(octaves.first().map(|row| row.lower)),
            to: text(octaves.last().map(|row| row.upper)),
        }
    });
    (drawn.collect(), left_out)
}
