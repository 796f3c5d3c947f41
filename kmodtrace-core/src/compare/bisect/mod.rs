//! Bisecting: what makes a run bad, how many runs make a verdict, and what a session has come to.
//!
//! Rules are stated before the start. Each step records its runs; a run is good or bad by the rules; a sequential test says
//! when there are enough of them, or that there never will be.

mod criteria;
mod field;
mod html;
mod judge;
mod read;
mod rule;
mod sample;
mod sequential;
mod session;
mod summary;
mod text;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests;

pub use criteria::{CONFIDENCE, Criteria, MOST_RUNS};
pub use field::{Field, UnknownField, fields};
pub use html::write_html;
pub use judge::{JudgedRun, Judgement, RunVerdict, Verdict, judge, judge_run, shares, tally};
pub use read::Reading;
pub use rule::{Answer, BadRule, Rule};
pub use sample::{CommandEnd, Recorded, RecordedFold, Sample, Unread};
pub use sequential::{Shares, Tally};
pub use session::{Commit, Known, RunEnd, Step, StepHead, Told, Workload, time_text};
pub use summary::{Conclusion, Kept, MeasureHead, RunRow, StepRow, Summary};
pub use text::write_text;
