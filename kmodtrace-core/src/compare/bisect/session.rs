//! What a session keeps in its files: of each step its head, of each run its end, the verdict that was told, and marks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::judge::Verdict;
use super::sample::CommandEnd;

/// What a step is about; written before its first run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepHead {
    /// Its number, from 1.
    pub number: u32,
    /// When it began, nanoseconds since 1970.
    pub began_ns: u64,
    /// What its user calls it.
    pub label: Option<String>,
    /// The workload.
    pub workload: Workload,
    /// Modules that its runs look into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drill: Vec<String>,
    /// The commit that the working directory was at, where it is one of git.
    pub commit: Option<Commit>,
    /// The kernel that this machine runs; none where the workload boots another one.
    pub release: Option<String>,
    /// What its user knows about it from the start.
    pub known: Option<Known>,
    /// So many runs, where its user asked for another number than the session has.
    pub runs: Option<u32>,
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// A command on this machine, recorded here.
    Command(Vec<String>),
    /// A shell command that boots a machine and brings back what was recorded there.
    Vm(String),
}

/// A commit, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    /// Its name.
    pub hash: String,
    /// Its first line.
    pub subject: String,
    /// The names of its parents.
    pub parents: Vec<String>,
    /// How many commits it builds upon, itself included: an ancestor always has fewer, so this is the order of commits.
    pub depth: u64,
}

/// What a user knows, or wants left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// It is good.
    Good,
    /// It is bad.
    Bad,
    /// It says nothing.
    Skip,
}

impl Known {
    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Skip => "skip",
        }
    }
}

/// A run that came to its end; written when everything else of it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnd {
    /// How its command ended.
    #[serde(flatten)]
    pub command: CommandEnd,
    /// The name of its recording beside this; none where none was left.
    pub recording: Option<String>,
    /// The name of the file with what the command wrote.
    pub console: String,
}

/// A verdict, as it was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// What.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub why: String,
    /// When, nanoseconds since 1970.
    pub at_ns: u64,
}

/// A step with all that was kept of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its head.
    pub head: StepHead,
    /// Its runs, in their order, each with its number.
    pub runs: Vec<(u32, RunEnd)>,
    /// Numbers of runs that were begun and did not come to their end.
    pub interrupted: Vec<u32>,
    /// What was told; none where it was interrupted, or has only been marked.
    pub told: Option<Told>,
    /// What its user said of it later.
    pub mark: Option<Known>,
}

impl Step {
    /// What its user knows of it: what was said last.
    pub fn known(&self) -> Option<Known> {
        self.mark.or(self.head.known)
    }

    /// The name of its commit.
    pub fn commit(&self) -> Option<&str> {
        self.head.commit.as_ref().map(|commit| commit.hash.as_str())
    }

    /// Whether the same is to be done again: then its runs count, and the next ones go on where they ended.
    pub fn is_same(&self, head: &StepHead) -> bool {
        let StepHead {
            number: _,
            began_ns: _,
            label,
            workload,
            drill,
            commit,
            release,
            known,
            runs,
        } = head;
        let own = &self.head;
        own.label == *label
            && own.workload == *workload
            && own.drill == *drill
            && self.commit() == commit.as_ref().map(|commit| commit.hash.as_str())
            && own.release == *release
            && own.known == *known
            && own.runs == *runs
    }

    /// In words, for a line about it: `step 3 (3a5f12e1c0de "module: ...")`.
    pub fn name(&self) -> String {
        self.head.name()
    }
}

impl StepHead {
    /// In words, for a line about it.
    pub fn name(&self) -> String {
        let commit = self
            .commit
            .as_ref()
            .map(|commit| format!("{} \"{}\"", commit.short(), commit.subject));
        let names: Vec<String> = self.label.iter().cloned().chain(commit).collect();
        if names.is_empty() {
            format!("step {}", self.number)
        } else {
            format!("step {} ({})", self.number, names.join(", "))
        }
    }
}

impl Commit {
    /// As much of its name as people write.
    pub fn short(&self) -> &str {
        self.hash.get(..12).unwrap_or(&self.hash)
    }
}

/// An instant since 1970 in UTC, to the second: `2026-11-25T17:42:07Z`.
pub fn time_text(since_1970_ns: u64) -> String {
    let seconds = i64::try_from(since_1970_ns / 1_000_000_000).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_second(seconds);
    time.map_or_else(|_| "?".to_owned(), |time| time.to_string())
}
