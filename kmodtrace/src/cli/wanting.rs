//! Which attempts and requests a command shows, in the same words everywhere.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use kmodtrace_core::analysis::causes::Subject;
use kmodtrace_core::model::{Clock, Errno, Moment, Nanos, Wanted, Zero};
use kmodtrace_core::text::Glob;

use super::duration;
use crate::failure::{FAILED, failure};

/// What they have to be like.
#[derive(Args, Debug, Default, PartialEq)]
pub(crate) struct Wanting {
    /// Only what ended with this errno: EBUSY, 16, -16. why adds requests whose caller may have invented it, and leaves findings out
    #[arg(long, value_name = "E", allow_negative_numbers = true, value_parser = errno)]
    errno: Option<Errno>,
    /// Only attempts and requests of tasks with this name; a glob (*, ?, [...])
    #[arg(long, value_name = "GLOB")]
    comm: Option<String>,
    /// Only attempts and requests of this task or process
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Only what took at least this long, or has not returned: 500ms, 2s
    #[arg(long, value_name = "TIME", value_parser = duration)]
    min: Option<Duration>,
    /// Only what lasted until this time or began later: 20s after the kernel started, or with --time relative after the beginning;
    /// 04:12:05 on the day of the recording's beginning, or "2026-11-30 04:12:05", both in UTC; @SECONDS since 1970
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Only what began by this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
}

impl Wanting {
    /// Whether anything is asked for.
    pub(crate) fn is_anything(&self) -> bool {
        *self != Self::default()
    }

    /// The same for a recording whose times are counted from there, and which began at this clock. An error where that is to tell a
    /// time of day and was never set.
    pub(crate) fn wanted(&self, zero: Zero, clock: Clock) -> Result<Wanted> {
        let instant = |moment: Option<Moment>| match moment.map(|moment| moment.instant(zero, clock)) {
            Some(None) => Err(failure(
                FAILED,
                "the clock was not set when the recording began: give --since and --until in seconds after the kernel started, as 20s",
            )),
            instant => Ok(instant.flatten()),
        };
        Ok(Wanted {
            errno: self.errno,
            comm: self.comm.as_deref().map(Glob::new),
            pid: self.pid,
            min: self.min.map(nanos),
            since: instant(self.since)?,
            until: instant(self.until)?,
        })
    }
}

fn nanos(time: Duration) -> Nanos {
    Nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// What counts from somewhere, or a time of the calendar.
fn moment(text: &str) -> Result<Moment, String> {
    let moment = duration(text).map(|time| Moment::After(nanos(time)));
    moment
        .or_else(|_| text.parse())
        .map_err(|()| format!("`{text}` is not a time, such as 20s, 04:12:05, \"2026-11-30 04:12:05\" or @1795925525"))
}

fn errno(text: &str) -> Result<Errno, String> {
    match text.parse() {
        Ok(Subject::Errno(errno)) => Ok(errno),
        _ => Err(format!("`{text}` is not an errno, such as EBUSY, 16 or -16")),
    }
}
