//! Places on a line of time, as shares of its length: a picture that is drawn wider needs no others.

use crate::model::{Ktime, Zero};
use crate::picture::Percent;

/// Lines at round times that a picture has before it is zoomed.
const TICKS: u64 = 10;
/// How much closer those lie that appear when it is.
const CLOSER: u64 = 10;

/// From one instant to another, nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    from: u64,
    long: u64,
}

/// A line at a round time.
pub(super) struct Tick {
    pub(super) x: Percent,
    pub(super) text: String,
    /// From which zoom on it is there.
    pub(super) zoom: u32,
}

impl Axis {
    pub(super) fn new((from, to): (u64, u64)) -> Self {
        Self {
            from,
            long: to.saturating_sub(from).max(1),
        }
    }

    pub(super) fn end(self) -> u64 {
        self.from.saturating_add(self.long)
    }

    pub(super) fn place(self, time: u64) -> Percent {
        self.share(time.saturating_sub(self.from).min(self.long))
    }

    pub(super) fn share(self, long: u64) -> Percent {
        Percent::of(long, self.long)
    }

    /// The shortest time that is drawn to scale: a pixel of a picture that is zoomed as far as it can be.
    pub(super) fn grain(self) -> u64 {
        self.long / 50_000
    }

    /// Round times in it, which count from this zero.
    pub(super) fn ticks(self, zero: Zero) -> Vec<Tick> {
        let origin = match zero {
            Zero::At(Ktime(origin)) => origin,
            Zero::Boot | Zero::Wall(_) => 0,
        };
        let wide = round(self.long / TICKS);
        let mut ticks = Vec::new();
        for (step, zoom) in [(wide, 1), ((wide / CLOSER).max(1), 16)] {
            let first = self.from.saturating_sub(origin).div_ceil(step);
            // No more than there can be, whatever the numbers are.
            let numbers = (0..TICKS * CLOSER * 5).map(|number| first.saturating_add(number));
            let times = numbers.map(|number| origin.saturating_add(number.saturating_mul(step)));
            for time in times.take_while(|time| *time <= self.end()) {
                if zoom == 1 || time.saturating_sub(origin) % wide != 0 {
                    let text = zero.text(Ktime(time));
                    let x = self.place(time);
                    ticks.push(Tick { x, text, zoom });
                }
            }
        }
        ticks
    }
}

/// The next of 1, 2, 5, 10, 20, ... that is not below this.
fn round(least: u64) -> u64 {
    let mut ten = 1_u64;
    loop {
        for step in [1, 2, 5] {
            let step = ten.saturating_mul(step);
            if step >= least {
                return step;
            }
        }
        ten = ten.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_places() {
        let axis = Axis::new((1_000, 3_000));
        assert_eq!(axis.place(1_500).to_string(), "25");
        assert_eq!(axis.place(0).to_string(), "0");
        assert_eq!(axis.place(9_000).to_string(), "100");
        assert_eq!(axis.share(1).to_string(), "0.05");
    }

    #[test]
    fn lines_are_at_round_times() {
        let second = 1_000_000_000;
        let axis = Axis::new((1_234_567_890, 1_234_567_890 + 4 * second));
        let ticks = axis.ticks(Zero::At(Ktime(second)));
        let wide: Vec<&str> = ticks
            .iter()
            .filter(|tick| tick.zoom == 1)
            .map(|tick| tick.text.as_str())
            .collect();
        assert_eq!(wide.first(), Some(&"0.500 s"));
        assert_eq!(wide.len(), 8);
        assert_eq!(ticks.iter().filter(|tick| tick.zoom > 1).count(), 72);
    }

    #[test]
    fn no_window_is_too_long_or_too_short() {
        for window in [(0, 0), (0, u64::MAX), (u64::MAX, u64::MAX), (5, 6)] {
            let ticks = Axis::new(window).ticks(Zero::Boot);
            assert!(ticks.len() < 1_000, "{window:?}: {}", ticks.len());
        }
    }
}
