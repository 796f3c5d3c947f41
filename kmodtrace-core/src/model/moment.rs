//! A moment that somebody names.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::units::{Ktime, Nanos};
use super::zero::{Clock, SECOND, Zero};

const DAY: u64 = 86_400 * SECOND;

/// A moment, by one of the clocks that people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long after the zero of the times that text shows.
    After(Nanos),
    /// So many nanoseconds after 1970-01-01 00:00 UTC.
    Calendar(u64),
    /// So long after midnight, in UTC, of the day on which the recording began.
    OfDay(Nanos),
}

impl Moment {
    /// The instant of a recording that began at this `clock`. None where it needs the calendar, and that was never set.
    pub fn instant(self, zero: Zero, clock: Clock) -> Option<Ktime> {
        let realtime_ns = match self {
            Self::After(nanos) => return Some(zero.instant(nanos)),
            Self::Calendar(nanos) => nanos,
            Self::OfDay(nanos) => (clock.realtime_ns - clock.realtime_ns % DAY).saturating_add(nanos.0),
        };
        // Where nothing sets it, the calendar begins at 1970 with the kernel.
        let is_set = clock.realtime_ns.saturating_sub(clock.monotonic_ns.0) >= DAY;
        is_set.then(|| clock.instant(realtime_ns))
    }
}

impl FromStr for Moment {
    type Err = ();

    /// The forms of journalctl: `2026-11-30 04:12:05.5`, also with a `T`, without seconds or a time of day, and in UTC unless an offset
    /// stands behind it; `04:12:05`; `@` and seconds since 1970.
    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(seconds) = text.strip_prefix('@') {
            return unix(seconds).map(Self::Calendar).ok_or(());
        }
        let text = text.strip_suffix(" UTC").unwrap_or(text);
        let of = |time: Timestamp| u64::try_from(time.as_nanosecond()).map(Self::Calendar).map_err(drop);
        if let Ok(time) = text.parse::<Timestamp>() {
            return of(time);
        }
        // Where jiff looks for no offset, it takes one and does nothing with it.
        if text.contains(|c: char| !(c.is_ascii_digit() || "-: .Tt".contains(c))) {
            return Err(());
        }
        if let Ok(time) = text.parse::<DateTime>() {
            return TimeZone::UTC.to_timestamp(time).map_err(drop).and_then(of);
        }
        let after = text.parse::<Time>().map_err(drop)?.duration_since(Time::midnight());
        u64::try_from(after.as_nanos())
            .map(Nanos)
            .map(Self::OfDay)
            .map_err(drop)
    }
}

/// Nanoseconds of `1795925525.25`.
fn unix(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.len() > 9 || !is_number(seconds) || !is_number(fraction) {
        return None;
    }
    let nanos: u64 = format!("{fraction:0<9}").parse().ok()?;
    seconds.parse::<u64>().ok()?.checked_mul(SECOND)?.checked_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As GNU date has it: 2026-11-28 23:29:28 UTC.
    const AT: u64 = 1_795_908_568;

    #[test]
    fn the_forms_of_journalctl_are_read() {
        for (text, nanos) in [
            ("2026-11-28T23:29:28", AT * SECOND),
            ("2026-11-28 23:29:28", AT * SECOND),
            ("2026-11-28 23:29:28 UTC", AT * SECOND),
            ("2026-11-28T23:29:28Z", AT * SECOND),
            ("2026-11-29 00:29:28+01:00", AT * SECOND),
            ("2026-11-28 23:29:28.25", AT * SECOND + SECOND / 4),
            ("2026-11-28 23:29", (AT - 28) * SECOND),
            ("2026-11-29", (AT + 30 * 60 + 32) * SECOND),
            ("@1795908568", AT * SECOND),
            ("@1795908568.000000001", AT * SECOND + 1),
        ] {
            assert_eq!(text.parse(), Ok(Moment::Calendar(nanos)), "{text}");
        }
        let of_day = |nanos| Ok(Moment::OfDay(Nanos(nanos)));
        assert_eq!(
            "04:12:05.5".parse(),
            of_day((4 * 3_600 + 12 * 60 + 5) * SECOND + SECOND / 2)
        );
        assert_eq!("04:12".parse(), of_day((4 * 3_600 + 12 * 60) * SECOND));
        for text in [
            "",
            "noon",
            "yesterday",
            "@",
            "@-1",
            "@1.0000000001",
            "@+1",
            "@99999999999999",
            "25:00",
            "2026-13-01",
            "04:12:05+01:00",
            "1969-12-31",
            "12-11",
        ] {
            assert_eq!(text.parse::<Moment>(), Err(()), "{text}");
        }
    }

    #[test]
    fn moments_are_instants_of_the_recording() {
        let clock = Clock {
            monotonic_ns: Ktime(100 * SECOND),
            realtime_ns: AT * SECOND,
        };
        let instant = |moment: Moment| moment.instant(Zero::Boot, clock);
        assert_eq!(instant(Moment::Calendar((AT + 5) * SECOND)), Some(Ktime(105 * SECOND)));
        assert_eq!(instant(Moment::Calendar((AT - 5) * SECOND)), Some(Ktime(95 * SECOND)));
        // Before the kernel started.
        assert_eq!(instant(Moment::Calendar(0)), Some(Ktime(0)));
        let of_day = Nanos((23 * 3_600 + 29 * 60 + 38) * SECOND);
        assert_eq!(instant(Moment::OfDay(of_day)), Some(Ktime(110 * SECOND)));
        assert_eq!(instant(Moment::After(Nanos(7))), Some(Ktime(7)));
        let never_set = Clock {
            realtime_ns: 100 * SECOND,
            ..clock
        };
        assert_eq!(Moment::OfDay(of_day).instant(Zero::Boot, never_set), None);
        assert_eq!(Moment::After(Nanos(7)).instant(Zero::Boot, never_set), Some(Ktime(7)));
    }
}
