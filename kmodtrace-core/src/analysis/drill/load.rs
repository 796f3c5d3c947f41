//! A load as drill shows it: its calls, the way of its errno, and where its time went.

use super::errno_path::{ErrnoPath, errno_path};
use super::slow::{SlowStep, slowest, slowest_text};
use super::tree::{Call, DEPTH, Forest, forest};
use super::wording::FunctionNames;
use crate::model::ProbedFunction;
use crate::model::{Attempt, Errno, Ktime, Span};

/// The calls of an attempt.
#[derive(Clone, Debug)]
pub struct Load<'a> {
    /// The attempt.
    pub attempt: &'a Attempt,
    /// What names and lines come from.
    pub names: FunctionNames<'a>,
    calls: Vec<Call>,
    /// How many lie too deep to be among them.
    deeper: u64,
}

impl<'a> Load<'a> {
    /// Sorts the calls of an attempt. What the loader itself called of the kernel, before the init function and behind it, is left
    /// out.
    pub fn new(attempt: &'a Attempt, known: &'a [ProbedFunction]) -> Self {
        let init = attempt.init.as_ref().map(|init| init.span);
        let is_inside = |call: &Call| {
            let of_module = known
                .get(call.function as usize)
                .is_some_and(|known| known.module.is_some());
            let in_init = |span: Span| call.start >= span.start && span.end.is_none_or(|end| call.start <= end);
            of_module || init.is_some_and(in_init)
        };
        let Forest { mut calls, deeper } = forest(&attempt.calls, known);
        calls.retain(is_inside);
        Self {
            attempt,
            names: FunctionNames {
                known,
                module: attempt.module.as_deref(),
            },
            calls,
            deeper,
        }
    }

    /// The calls of the loading task.
    pub fn own(&self) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.tid == self.attempt.tid).collect()
    }

    /// Those of other tasks while its init function ran.
    pub fn others(&self) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.tid != self.attempt.tid).collect()
    }

    /// What its init function returned, if that was an errno.
    pub fn errno(&self) -> Option<Errno> {
        let errno = self.attempt.init.as_ref()?.errno;
        errno.filter(|errno| *errno != Errno::OK)
    }

    /// The way of that errno.
    pub fn errno_path(&self) -> Option<ErrnoPath<'_>> {
        self.path_of(self.errno()?)
    }

    /// The way of any errno; none where no function returned it.
    pub fn path_of(&self, errno: Errno) -> Option<ErrnoPath<'_>> {
        errno_path(&self.own(), &self.others(), errno)
    }

    /// When its init function began.
    pub fn init_start(&self) -> Option<Ktime> {
        self.attempt.init.as_ref().map(|init| init.span.start)
    }

    /// Where its time went.
    pub fn slowest(&self) -> Vec<SlowStep<'_>> {
        slowest(&self.own(), &self.attempt.off_cpu)
    }

    /// What there is to say about it, a sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(errno) = self.errno() {
            match self.errno_path() {
                Some(cause) => {
                    said.push(cause.sentence(self.init_start(), self.names));
                    said.extend(cause.not_taken(self.names));
                }
                None => said.push(format!(
                    "the init function returned -{errno}, and none of the functions that were seen did"
                )),
            }
        }
        if let Some(slow) = slowest_text(&self.slowest(), self.names) {
            said.push(format!("most of the time: {slow}"));
        }
        if self.attempt.calls_dropped > 0 {
            said.push(format!(
                "{} more entries and returns were not kept",
                self.attempt.calls_dropped
            ));
        }
        if self.deeper > 0 {
            said.push(format!(
                "{} calls within more than {DEPTH} others are left out; their returns may be missing",
                self.deeper
            ));
        }
        said
    }
}
