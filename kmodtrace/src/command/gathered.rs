//! A report of a recording, for those commands that show or export one.

use anyhow::Result;
use kmodtrace_core::analysis::account::AccountFold;
use kmodtrace_core::analysis::aggregate::Aggregates;
use kmodtrace_core::analysis::findings::Findings;
use kmodtrace_core::analysis::why::{Filter, WhyFold};
use kmodtrace_core::model::{Finished, Ktime, Zero};
use kmodtrace_core::recording::Header;
use kmodtrace_core::records::order::Loss;
use kmodtrace_core::report::{KnownAttempts, Report, Selection};

use crate::replay::Replay;

/// How a recording ended that was read, when, and what was lost.
pub(super) type Ended = (Result<()>, Ktime, Loss);

/// What a report is to have beside the sums of modules.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    /// Every attempt. The recording must have been opened to be read again.
    pub(super) attempts: bool,
    /// What it cost, what failed, and what was found: to gather it takes longer than all else.
    pub(super) answer: bool,
}

/// A report, and what it was made of.
pub(super) struct Gathered {
    /// The report, of what is whole.
    pub(super) report: Report,
    /// How the recording ended.
    pub(super) ended: Result<()>,
    /// What the rows of attempts do not say, where they were asked for.
    pub(super) missing: Option<String>,
    /// All findings and failures, where an answer was asked for.
    pub(super) answer: Option<(Findings, WhyFold)>,
}

/// Reads a recording in this way.
pub(super) fn gather(
    recording: &mut Replay,
    selection: &Selection,
    zero: Zero,
    parts: Parts,
    read: impl FnOnce(&mut Replay, &mut dyn FnMut(Finished) -> Option<Finished>) -> Ended,
) -> Gathered {
    let header = recording.header();
    let mut fold = Fold {
        selection,
        known: parts.attempts.then(KnownAttempts::default),
        aggregates: Aggregates::default(),
        answer: parts.answer.then(|| AnswerFold::new(selection, zero, header)),
    };
    let (ended, end, loss) = read(recording, &mut |finished| fold.add(finished));
    let source = recording.source(&loss);
    let mut report = Report::new(&fold.aggregates, &source, selection);
    let mut answer = None;
    if let Some(AnswerFold {
        findings,
        account,
        mut why,
    }) = fold.answer
    {
        let stages = fold.aggregates.stages(&selection.modules);
        let account = account.finish(end, &stages, &source.coverage, recording.cgroups());
        let unsearched = findings.graph().unsearched();
        report = report
            .with_answer(account, why.finish(end))
            .with_findings(findings.list(), unsearched, selection);
        answer = Some((findings, why));
    }
    let missing = fold.known.as_ref().and_then(KnownAttempts::missing);
    if let Some(known) = fold.known {
        report = report.with_attempts(recording.again(), known, selection);
    }
    Gathered {
        report,
        ended,
        missing,
        answer,
    }
}

/// What a report is made of. All attempts are known where rows are asked for.
struct Fold<'s> {
    selection: &'s Selection,
    aggregates: Aggregates,
    known: Option<KnownAttempts>,
    answer: Option<AnswerFold>,
}

impl Fold<'_> {
    fn add(&mut self, finished: Finished) -> Option<Finished> {
        if self.selection.wanted.takes(&finished) {
            self.aggregates.add(&finished);
        }
        if let Some(known) = &mut self.known {
            known.add(&finished, self.selection);
        }
        match &mut self.answer {
            Some(answer) => answer.add(finished, self.selection),
            None => Some(finished),
        }
    }
}

/// What it cost, what failed, and what was found. All failures are looked at, because what explains one that is wanted need not be
/// wanted itself.
struct AnswerFold {
    findings: Findings,
    account: AccountFold,
    why: WhyFold,
}

impl AnswerFold {
    fn new(selection: &Selection, zero: Zero, header: &Header) -> Self {
        let filter = Filter {
            modules: selection.modules.clone(),
            wanted: selection.wanted.clone(),
            ..Filter::default()
        };
        Self {
            findings: Findings::default(),
            account: AccountFold::new(header),
            why: super::why::fold(filter, zero, header).without_findings(),
        }
    }

    fn add(&mut self, finished: Finished, selection: &Selection) -> Option<Finished> {
        if selection.wanted.takes(&finished) {
            self.findings.add(&finished);
            if selection.names(&finished) {
                self.account.add(&finished);
            }
        }
        self.why.add(finished)
    }
}
