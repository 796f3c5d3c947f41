//! Cells of tables.

use super::{NOT_OBSERVED, Outcomes};
use crate::model::{Ktime, Zero};
use crate::text::span_text;

/// Where there was none.
pub(super) const NONE: &str = "-";
/// Errnos listed in a row.
const ERRNOS_SHOWN: usize = 3;

/// An instant.
pub(super) fn instant(time: Option<u64>, zero: Zero) -> String {
    time.map_or_else(|| NONE.to_owned(), |time| zero.number(Ktime(time)))
}

/// A number, where somebody watched.
pub(super) fn count(number: Option<u64>) -> String {
    number.map_or_else(|| NOT_OBSERVED.to_owned(), |number| number.to_string())
}

/// A span of time, where there was one.
pub(super) fn span(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| NONE.to_owned(), span_text)
}

/// `EBUSY 7, ENODEV 1`: the errors among outcomes, most first.
pub fn outcomes_text(outcomes: &Outcomes, unfinished: u64) -> String {
    let mut errors: Vec<_> = outcomes.iter().filter(|(name, _)| *name != "OK").collect();
    errors.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    let more = errors.len().saturating_sub(ERRNOS_SHOWN);
    let mut parts: Vec<String> = errors
        .iter()
        .take(ERRNOS_SHOWN)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    if more > 0 {
        parts.push(format!("{more} more"));
    }
    if unfinished > 0 {
        parts.push(format!("unfinished {unfinished}"));
    }
    if parts.is_empty() {
        NONE.to_owned()
    } else {
        parts.join(", ")
    }
}
