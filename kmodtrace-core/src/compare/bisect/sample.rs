//! One run of a workload: what its recording came to, and how its command ended.

use serde::{Deserialize, Serialize};

use crate::analysis::aggregate::Aggregates;
use crate::analysis::findings::{Finding, Findings};
use crate::compare::diff::{Run, RunFold};
use crate::model::{Finished, Ktime};
use crate::report::{Report, Selection, Source};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CommandEnd {
    /// Its exit status; 128 and the signal that killed it, as shells have it.
    pub status: u8,
    /// From its start to its end, nanoseconds.
    pub duration_ns: u64,
}

/// One run. Rules are asked of it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// How its command ended.
    pub command: CommandEnd,
    /// What it left; or why there is nothing to read.
    pub recorded: Result<Recorded, Unread>,
}

/// Why a run has no recording that could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// None was left: the kernel did not come up, or nobody could trace there.
    #[error("no recording was left")]
    Absent,
    /// It cannot be read.
    #[error("{0}")]
    Damaged(String),
}

/// A recording, reduced to what rules can ask.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// All that finished.
    pub aggregates: Aggregates,
    /// What it shows beyond its numbers.
    pub findings: Vec<Finding>,
    /// Waits that were not looked at for deadlocks; none where all were.
    pub unsearched: Option<u64>,
    /// Where it comes from and what it lacks.
    pub source: Source,
    /// The same as `diff` takes it.
    pub run: Run,
}

/// Makes a [`Recorded`] of what a session hands out.
#[derive(Debug, Default)]
pub struct RecordedFold {
    findings: Findings,
    run: RunFold,
}

impl RecordedFold {
    /// Adds what a session handed out.
    pub fn add(&mut self, finished: Finished) {
        self.findings.add(&finished);
        self.run.add(finished);
    }

    /// Nothing more comes: the recording ends at this time.
    pub fn finish(self, label: String, source: Source, end: Ktime) -> Recorded {
        let (run, aggregates) = self.run.finish_with_sums(label, source.clone(), end);
        Recorded {
            aggregates,
            findings: self.findings.list(),
            unsearched: self.findings.graph().unsearched(),
            run,
            source,
        }
    }
}

impl Recorded {
    /// The report of it.
    pub fn report(&self) -> Report {
        let all = Selection::default();
        Report::new(&self.aggregates, &self.source, &all).with_findings(self.findings.clone(), self.unsearched, &all)
    }

    /// Why something may be missing in it; none where nothing is.
    pub fn lossy(&self) -> Option<String> {
        let Source {
            lost,
            missed,
            clipped,
            truncated,
            ..
        } = &self.source;
        let counts = [("lost", lost), ("missed", missed), ("clipped", clipped)];
        let counts = counts
            .into_iter()
            .filter_map(|(what, count)| count.filter(|count| *count > 0).map(|count| format!("{what} {count}")));
        let why: Vec<String> = counts.chain(truncated.clone()).collect();
        (!why.is_empty()).then(|| why.join(", "))
    }
}
