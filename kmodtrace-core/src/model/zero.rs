//! From when on people count time.

use serde::{Deserialize, Serialize};

use super::units::{Ktime, Nanos};

pub(super) const SECOND: u64 = 1_000_000_000;

/// Two clocks read together when the recording began. What one of them says later is reckoned by the other: that is wrong after a
/// suspend, and after the calendar was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// `CLOCK_MONOTONIC`, which the records carry.
    pub monotonic_ns: Ktime,
    /// `CLOCK_REALTIME`: nanoseconds since 1970-01-01 00:00 UTC.
    pub realtime_ns: u64,
}

impl Clock {
    /// When `CLOCK_MONOTONIC` was there, `CLOCK_REALTIME` was here. Times before 1970 are 1970.
    fn realtime(self, time: Ktime) -> u64 {
        let (later, earlier) = (time.since(self.monotonic_ns).0, self.monotonic_ns.since(time).0);
        self.realtime_ns.saturating_add(later).saturating_sub(earlier)
    }

    /// The other way round. Times before the kernel started are its start.
    pub(super) fn instant(self, realtime_ns: u64) -> Ktime {
        let later = realtime_ns.saturating_sub(self.realtime_ns);
        let earlier = self.realtime_ns.saturating_sub(realtime_ns);
        Ktime(self.monotonic_ns.0.saturating_add(later).saturating_sub(earlier))
    }
}

/// The zero of the times that text shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zero {
    /// The start of the kernel, as in its log.
    Boot,
    /// The calendar, in UTC.
    Wall(Clock),
    /// This instant, such as the beginning of a recording.
    At(Ktime),
}

impl Default for Zero {
    fn default() -> Self {
        Self::At(Ktime(0))
    }
}

impl Zero {
    /// `1.234 s`, or `2026-11-29 10:22:33.123`.
    pub fn text(self, time: Ktime) -> String {
        match self {
            Self::Boot => seconds(time.0),
            Self::At(zero) => seconds(time.since(zero).0),
            Self::Wall(_) => self.number(time),
        }
    }

    /// The instant that text shows as so long after the zero. On a calendar nothing is: there it counts from the start of the kernel.
    pub fn instant(self, after: Nanos) -> Ktime {
        match self {
            Self::Boot | Self::Wall(_) => Ktime(after.0),
            Self::At(zero) => Ktime(zero.0.saturating_add(after.0)),
        }
    }

    /// The same to the microsecond, without a unit, for tables: `1.234567`.
    pub fn number(self, time: Ktime) -> String {
        match self {
            Self::Boot => micros(time.0),
            Self::At(zero) => micros(time.since(zero).0),
            Self::Wall(clock) => {
                let at = clock.realtime(time);
                format!("{}.{:03}", calendar(at / SECOND), at % SECOND / 1_000_000)
            }
        }
    }
}

fn micros(nanos: u64) -> String {
    format!("{}.{:06}", nanos / SECOND, nanos % SECOND / 1_000)
}

fn seconds(nanos: u64) -> String {
    format!("{}.{:03} s", nanos / SECOND, nanos % SECOND / 1_000_000)
}

/// `2026-11-29 10:22:33` of seconds since 1970, in UTC; the seconds themselves where no calendar has them.
pub fn calendar(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().map(jiff::Timestamp::from_second);
    match time {
        Some(Ok(time)) => time.strftime("%F %T").to_string(),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // As GNU date prints it.
        assert_eq!(calendar(1_795_908_568), "2026-11-28 23:29:28");
        assert_eq!(calendar(u64::MAX), "18446744073709551615 s");
    }

    #[test]
    fn times_before_the_zero_are_the_zero() {
        assert_eq!(Zero::At(Ktime(5)).text(Ktime(1)), "0.000 s");
        let wall = Zero::Wall(Clock {
            monotonic_ns: Ktime(10 * SECOND),
            realtime_ns: 100 * SECOND,
        });
        assert_eq!(wall.text(Ktime(9 * SECOND)), "1970-01-01 00:01:39.000");
    }
}
