//! Time along a width.

use kmodtrace_core::model::{Ktime, Zero};
use ratatui::layout::Rect;

/// Time along the width of an area, nanoseconds of `CLOCK_MONOTONIC`.
pub(super) struct Scale {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) area: Rect,
}

impl Scale {
    /// The column of an instant, or the nearest.
    pub(super) fn column(&self, at: u64) -> u16 {
        let last = u64::from(self.area.width.saturating_sub(1));
        let at = at.min(self.to).saturating_sub(self.from);
        let place = u128::from(at) * u128::from(last) / u128::from((self.to - self.from).max(1));
        self.area.x + u16::try_from(place).unwrap_or_default()
    }

    /// The instant in the middle of a column.
    pub(super) fn instant(&self, column: u16) -> u64 {
        let long = u128::from(self.to - self.from);
        let place = u128::from(2 * (column - self.area.x) + 1);
        let at = long * place / (2 * u128::from(self.area.width.max(1)));
        self.from + u64::try_from(at).unwrap_or_default()
    }

    pub(super) fn holds(&self, at: u64) -> bool {
        (self.from..=self.to).contains(&at)
    }
}

/// An instant in seconds since the kernel started.
pub(super) fn time(ns: u64) -> String {
    Zero::Boot.number(Ktime(ns))
}
