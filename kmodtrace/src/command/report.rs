//! `kmodtrace report`: what a recording holds, module by module.

use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::aggregate::Aggregates;
use kmodtrace_core::analysis::findings::Findings;
use kmodtrace_core::model::{Attempt, Finished, Request};
use kmodtrace_core::report::{Report, Selection};
use kmodtrace_core::text::Names;

use crate::cli;
use crate::output::Reported;
use crate::replay;

/// Reads the recording and writes the report. A damaged recording gives what is whole, and then an error.
pub(crate) fn run(args: &cli::Report, quiet: bool) -> Result<ExitCode> {
    let selection = Selection {
        modules: Names::matching(&args.modules),
        sort: args.sort,
        top: args.top,
    };
    let mut recording = replay::open(&args.from)?;
    let mut fold = Fold {
        attempts: args.attempts.then(Default::default),
        aggregates: Aggregates::default(),
        findings: Findings::default(),
    };
    let (ended, _, loss) = recording.finished(|finished| fold.add(finished));
    let mut report = Report::new(&fold.aggregates, &recording.source(&loss), &selection)
        .with_findings(fold.findings.list(), &selection);
    if let Some((attempts, requests)) = &fold.attempts {
        report = report.with_attempts(attempts, requests, &selection);
    }
    args.format.print(&Reported {
        report,
        histogram: args.histogram,
        attempts: args.attempts,
    })?;
    recording.warn(quiet);
    ended.map(|()| ExitCode::SUCCESS)
}

/// What a report is made of. Attempts and requests are kept only when they are asked for.
struct Fold {
    aggregates: Aggregates,
    findings: Findings,
    attempts: Option<(Vec<Attempt>, Vec<Request>)>,
}

impl Fold {
    fn add(&mut self, finished: Finished) {
        self.aggregates.add(&finished);
        self.findings.add(&finished);
        match (finished, &mut self.attempts) {
            (Finished::Attempt(attempt), Some((attempts, _))) => attempts.push(*attempt),
            (Finished::Request(request), Some((_, requests))) => requests.push(*request),
            _ => {}
        }
    }
}
