//! Which attempts and requests a command shows, in the same words everywhere.

use std::time::Duration;

use clap::Args;
use kmodtrace_core::analysis::causes::Subject;
use kmodtrace_core::model::{Errno, Nanos, Wanted, Zero};
use kmodtrace_core::text::Glob;

use super::duration;

/// What they have to be like.
#[derive(Args, Debug, Default)]
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
    /// Only what lasted until this time or began later: 20s after the kernel started, or with --time relative after the beginning
    #[arg(long, value_name = "TIME", value_parser = duration)]
    since: Option<Duration>,
    /// Only what began by this time
    #[arg(long, value_name = "TIME", value_parser = duration)]
    until: Option<Duration>,
}

impl Wanting {
    /// The same for a recording whose times are counted from there.
    pub(crate) fn wanted(&self, zero: Zero) -> Wanted {
        let nanos = |time: Duration| Nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        let instant = |time| zero.instant(nanos(time));
        Wanted {
            errno: self.errno,
            comm: self.comm.as_deref().map(Glob::new),
            pid: self.pid,
            min: self.min.map(nanos),
            since: self.since.map(instant),
            until: self.until.map(instant),
        }
    }
}

fn errno(text: &str) -> Result<Errno, String> {
    match text.parse() {
        Ok(Subject::Errno(errno)) => Ok(errno),
        _ => Err(format!("`{text}` is not an errno, such as EBUSY, 16 or -16")),
    }
}
