//! `kmodtrace report`: what a recording holds, module by module.

use std::mem;
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::account::AccountFold;
use kmodtrace_core::analysis::aggregate::Aggregates;
use kmodtrace_core::analysis::findings::Findings;
use kmodtrace_core::analysis::why::{Filter, WhyFold};
use kmodtrace_core::model::{Finished, Zero};
use kmodtrace_core::recording::Header;
use kmodtrace_core::report::{KnownAttempts, Report, Selection, SortKey, TextLayout};
use kmodtrace_core::text::Names;

use crate::cli;
use crate::failure::say;
use crate::output::{Reported, columns};
use crate::replay;

/// Reads the recording and writes the report. A damaged recording gives what is whole, and then an error.
pub(crate) fn run(args: &cli::Report, quiet: bool) -> Result<ExitCode> {
    let path = args.recorded.path();
    let args = &args.reporting;
    let each = args.attempts || args.format.is_of_attempts();
    let mut recording = if each {
        replay::open_again(path)?
    } else {
        replay::open(path)?
    };
    if args.redact {
        recording = recording.redacted(&[]);
    }
    let zero = args.times.zero(recording.header());
    let selection = Selection {
        modules: Names::matching(&args.modules),
        wanted: args.wanting.wanted(zero, recording.header().clock)?,
        sort: args.sort.unwrap_or(if args.format.is_text() {
            SortKey::Time
        } else {
            SortKey::default()
        }),
        top: args.top,
    };
    let mut fold = Fold {
        selection: &selection,
        known: each.then(KnownAttempts::default),
        aggregates: Aggregates::default(),
        answer: args
            .format
            .has_answer()
            .then(|| AnswerFold::new(&selection, zero, recording.header())),
    };
    let (ended, end, loss) = recording.finished(quiet, |finished| fold.add(finished));
    let source = recording.source(&loss);
    let mut report = Report::new(&fold.aggregates, &source, &selection);
    if let Some(AnswerFold { findings, account, why }) = &mut fold.answer {
        let stages = fold.aggregates.stages(&selection.modules);
        let account = mem::take(account).finish(end, &stages, &source.coverage, recording.cgroups());
        report = report.with_answer(account, why.finish(end)).with_findings(
            findings.list(),
            findings.graph().unsearched(),
            &selection,
        );
        if each {
            // Pages, which show them, have attempts.
            let mut waits = findings.graph().so_far();
            waits.select(&selection.modules);
            report.waits = Some(waits);
        }
    }
    if let Some(known) = fold.known {
        if let Some(missing) = known.missing().filter(|_| !quiet) {
            say(missing);
        }
        report = report.with_attempts(recording.again(), known, &selection);
    }
    args.format.print(&Reported {
        report,
        layout: TextLayout {
            columns: columns(),
            zero,
        },
        histogram: args.histogram,
        attempts: args.attempts,
    })?;
    // The process ends with them: to free thousands of attempts one by one takes a while, and nobody needs the room.
    mem::forget(fold.answer);
    recording.warn(quiet);
    ended.map(|()| ExitCode::SUCCESS)
}

/// What a report is made of. All attempts are known where rows are asked for.
struct Fold<'s> {
    selection: &'s Selection,
    aggregates: Aggregates,
    known: Option<KnownAttempts>,
    /// None where nothing shows it: to gather it takes longer than all else.
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
