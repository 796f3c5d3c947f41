//! Where an errno came from and where the time went, as rows.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::origin::{Certainty, Origin, words};
use crate::analysis::stages::stages;
use crate::model::{Attempt, LogLine, Parent, Stage};

/// Where an errno came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OriginRow {
    /// What the call returned; 0 for a request whose modprobe failed: a wait status is no errno.
    pub errno: u32,
    /// What the loader was about.
    pub stage: Stage,
    /// The function that returned it first, or the one into which that is inlined.
    pub function: String,
    /// `exact`, or `gap` where only the ends of a gap are known.
    pub certainty: CertaintyRow,
    /// The last function that was passed and the next that would have been; null where it is exact.
    pub between: Option<[String; 2]>,
    /// Ids of what may have made it, as `explain` has them, the likeliest first.
    pub causes: Vec<String>,
    /// The task whose failure it follows from.
    pub from_tid: Option<u32>,
    /// The `id` of that task's attempt.
    pub from_id: Option<u64>,
    /// The errno that it was before: that attempt's, or the init function's.
    pub from_errno: Option<u32>,
    /// Functions that passed it on, the innermost first.
    pub through: Vec<String>,
    /// Lines of the kernel log that say so.
    pub evidence: Vec<String>,
}

/// How sure an origin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CertaintyRow {
    /// The function was seen to return it, or nothing else can have.
    Exact,
    /// It is inlined between two others.
    Gap,
}

impl OriginRow {
    pub(super) fn new(origin: &Origin) -> Self {
        let from = origin.from.as_ref();
        let (certainty, between) = match origin.certainty {
            Certainty::Exact => (CertaintyRow::Exact, None),
            Certainty::Gap { after, before } => (CertaintyRow::Gap, Some([after.to_owned(), before.to_owned()])),
        };
        Self {
            errno: origin.errno.0,
            stage: origin.stage,
            function: origin.function.clone().into_owned(),
            certainty,
            between,
            causes: origin.causes.iter().map(|cause| cause.id.to_owned()).collect(),
            from_tid: from.map(|from| from.task.tid.0),
            from_id: from.map(|from| from.task.attempt.0),
            from_errno: origin.from_errno().map(|errno| errno.0),
            through: origin.through.iter().map(|&function| function.to_owned()).collect(),
            evidence: origin.evidence.clone(),
        }
    }

    /// Function and causes: `parse_args: parameter`.
    pub(super) fn words(&self) -> String {
        words(&self.function, self.stage, self.causes.iter().map(String::as_str))
    }
}

/// A piece of an attempt; together they are its duration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageRow {
    /// What the loader was about.
    pub stage: Stage,
    /// The function, or `in load_module, between X and Y`.
    pub name: String,
    /// Since when.
    pub start_ns: u64,
    /// How long.
    pub duration_ns: u64,
}

impl StageRow {
    pub(super) fn all(attempt: &Attempt) -> Vec<Self> {
        let spans = stages(attempt).into_iter();
        spans
            .map(|span| Self {
                stage: span.stage,
                name: span.name.to_string(),
                start_ns: span.start.0,
                duration_ns: span.duration.0,
            })
            .collect()
    }
}

/// Who started a thread group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ParentRow {
    /// Its thread group.
    pub tgid: u32,
    /// Its name.
    pub comm: String,
}

impl ParentRow {
    pub(super) fn new(parent: &Parent) -> Self {
        Self {
            tgid: parent.tgid.0,
            comm: parent.comm.clone().into(),
        }
    }
}

/// A line of the kernel log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LogRow {
    /// When.
    pub time_ns: u64,
    /// What it says.
    pub text: String,
}

impl LogRow {
    pub(super) fn all(log: &[LogLine]) -> Vec<Self> {
        let row = |line: &LogLine| Self {
            time_ns: line.time.0,
            text: line.text.clone(),
        };
        log.iter().map(row).collect()
    }
}
