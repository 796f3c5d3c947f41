//! One line for each attempt and request as it finishes.

use std::fmt;

use crate::analysis::origin;
use crate::model::{Attempt, Ktime, Nanos, Role, Syscall, Tid, Zero};
use crate::plan::Coverage;
use crate::text::{printable, span_text};

/// Titles above the lines.
pub const HEADER: &str =
    "     TIME s      TID  COMM             CALL           MODULE                RESULT         TOOK  WHAT";

/// An attempt as a line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The attempt.
    pub attempt: &'a Attempt,
    /// What its time is counted from.
    pub zero: Zero,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempt = self.attempt;
        let cells = Cells {
            time: attempt.end.or(attempt.start),
            tid: attempt.tid,
            comm: &attempt.comm,
            call: call(attempt),
            name: attempt.module.as_deref(),
            result: attempt.errno.map(|errno| errno.name().into_owned()),
            took: attempt.duration(),
            what: what(attempt),
        };
        cells.write(self.zero, f)
    }
}

/// The cells of a line, under the titles of [`HEADER`].
pub(super) struct Cells<'a> {
    pub(super) time: Option<Ktime>,
    pub(super) tid: Tid,
    pub(super) comm: &'a str,
    pub(super) call: &'static str,
    pub(super) name: Option<&'a str>,
    pub(super) result: Option<String>,
    pub(super) took: Option<Nanos>,
    pub(super) what: String,
}

impl Cells<'_> {
    pub(super) fn write(&self, zero: Zero, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.time {
            Some(time) => f.write_str(&time_text(time, zero))?,
            None => write!(f, "{:>11}", "-")?,
        }
        let took = self.took.map_or_else(|| "-".to_owned(), |took| span_text(took.0));
        let line = format!(
            "  {:>7}  {:<15}  {:<13}  {:<20}  {:<11}  {took:>6}  {}",
            self.tid.0,
            if self.comm.is_empty() { "-" } else { self.comm },
            self.call,
            self.name.unwrap_or("(unknown)"),
            self.result.as_deref().unwrap_or("-"),
            self.what,
        );
        f.write_str(printable(&line).trim_end())
    }
}

/// A time, as wide as its column.
pub fn time_text(time: Ktime, zero: Zero) -> String {
    format!("{:>11}", zero.number(time))
}

/// The name of its system call.
pub(crate) fn call(attempt: &Attempt) -> &'static str {
    match attempt.syscall {
        Some(Syscall::InitModule) => "init_module",
        Some(Syscall::FinitModule) => "finit_module",
        Some(Syscall::DeleteModule) => "delete_module",
        None => "-",
    }
}

/// What made it wait or fail: the collision, each wait and its owner, the init function, where the errno came from,
/// what is missing.
pub(crate) fn what(attempt: &Attempt) -> String {
    let mut parts = Vec::new();
    if let Some(collision) = attempt.collided_with {
        parts.push(collision.name().to_owned());
    }
    for wait in &attempt.waits {
        let long = wait
            .span
            .duration()
            .map_or_else(String::new, |long| format!(" {}", span_text(long.0)));
        let on = wait
            .on
            .as_ref()
            .map_or_else(String::new, |on| format!(" for {} ({})", on.tid.0, on.comm));
        parts.push(format!("waited{long} {}{on}", wait.kind.name()));
    }
    if attempt.role == Some(Role::Refused)
        && let Some(by) = &attempt.leader
    {
        parts.push(format!("refused because of {} ({})", by.tid.0, by.comm));
    }
    if let Some(init) = &attempt.init {
        let long = init
            .span
            .duration()
            .map_or_else(|| "-".to_owned(), |long| span_text(long.0));
        let errno = init.errno.map_or_else(String::new, |errno| format!(" {errno}"));
        parts.push(format!("init {long}{errno}"));
    }
    // A line names the likeliest function, and does not say how sure that is.
    if let Some(origin) = origin::of(attempt, &Coverage::default(), |_| None) {
        parts.push(origin.words());
    }
    parts.extend(attempt.notes.iter().map(|note| format!("[{}]", note.text())));
    parts.join(", ")
}
