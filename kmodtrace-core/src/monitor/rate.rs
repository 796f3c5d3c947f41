//! How often, lately.

use std::collections::BTreeMap;

use crate::model::Ktime;

const SECOND: u64 = 1_000_000_000;
/// Seconds that count as lately.
const WINDOW: u64 = 10;

/// Counts of the last ten seconds of events, by second of `CLOCK_MONOTONIC`.
#[derive(Debug, Default)]
pub(super) struct Rate(BTreeMap<u64, u64>);

impl Rate {
    /// One more, at this instant.
    pub(super) fn add(&mut self, at: Ktime) {
        *self.0.entry(at.0 / SECOND).or_default() += 1;
        while self.0.len() > 1 + usize::try_from(WINDOW).unwrap_or_default() {
            self.0.pop_first();
        }
    }

    /// How many a second, over the last ten or since tracing began.
    pub(super) fn per_second(&self, start: Ktime, now: Ktime) -> f64 {
        let from = Ktime(now.0.saturating_sub(WINDOW * SECOND)).max(start);
        // The second in which the span begins lies mostly before it.
        let lately = self
            .0
            .iter()
            .filter(|(second, _)| **second > from.0 / SECOND || from == start);
        let count: u64 = lately.map(|(_, count)| count).sum();
        let long = now.since(from).0;
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        if long == 0 {
            0.0
        } else {
            count as f64 * 1e9 / long as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times: &[u64], now: u64) -> f64 {
        let mut rate = Rate::default();
        for ms in times {
            rate.add(Ktime(ms * 1_000_000));
        }
        rate.per_second(Ktime(0), Ktime(now * 1_000_000))
    }

    #[test]
    fn it_is_of_the_last_ten_seconds_and_comes_to_rest() {
        assert!((after(&[100, 200, 300, 400], 500) - 8.0).abs() < 1e-9);
        let each_second: Vec<u64> = (0..100).map(|second| second * 1_000 + 500).collect();
        assert!((after(&each_second, 99_999) - 1.0).abs() < 0.11);
        assert!(after(&each_second, 130_000).abs() < 1e-9);
        assert!(after(&[], 0).abs() < 1e-9);
    }
}
