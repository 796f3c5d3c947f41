//! Pictures that are not of a report alone: what is drawn in SVG has its places in percent, so that it can be drawn at any width.

mod flame;
mod layers;
mod stacks;

use std::fmt;

pub(crate) use flame::Flame;
pub(crate) use layers::{Arrow, Layers, thickness};
pub(crate) use stacks::{OTHERS, Stacks};

/// A share of the width.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Percent(pub(crate) f64);

impl Percent {
    /// What a part of something is of all of it.
    #[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
    pub(crate) fn of(part: u64, all: u64) -> Self {
        Self(part as f64 / all.max(1) as f64 * 100.0)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.4}", self.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}
