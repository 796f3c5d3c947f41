//! `kmodtrace report`: what a recording holds, module by module.

use std::io::{self, BufWriter, Write as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::aggregate::Aggregates;
use kmodtrace_core::analysis::findings::Findings;
use kmodtrace_core::model::{Attempt, Finished, Request};
use kmodtrace_core::report::{
    Report, Selection, write_attempts_csv, write_histograms, write_json, write_jsonl, write_modules_csv, write_text,
};
use kmodtrace_core::text::Names;

use crate::cli::{self, Format};
use crate::failure::{USAGE, failure};
use crate::replay;

/// Reads the recording and writes the report. A damaged recording gives what is whole, and then an error.
pub(crate) fn run(args: &cli::Report, quiet: bool) -> Result<ExitCode> {
    let sort = args.sort.parse().map_err(|error| failure(USAGE, format!("{error}")))?;
    let selection = Selection {
        modules: Names::matching(&args.modules),
        sort,
        top: args.top,
    };
    let mut recording = replay::open(&args.from)?;
    let mut fold = Fold {
        attempts: args.attempts.then(Default::default),
        aggregates: Aggregates::default(),
        findings: Findings::default(),
    };
    let (ended, loss) = recording.finished(|finished| fold.add(finished));
    let mut report = Report::new(&fold.aggregates, &recording.source(&loss), &selection)
        .with_findings(fold.findings.list(), &selection);
    if let Some((attempts, requests)) = &fold.attempts {
        report = report.with_attempts(attempts, requests, &selection);
    }
    super::written(write(&report, args))?;
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

fn write(report: &Report, args: &cli::Report) -> io::Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    match if args.json { Format::Json } else { args.format } {
        Format::Table => {
            write_text(report, &mut out)?;
            if args.histogram {
                write_histograms(report, &mut out)?;
            }
        }
        Format::Json => write_json(report, &mut out)?,
        Format::Jsonl => write_jsonl(report, &mut out)?,
        Format::Csv if args.attempts => write_attempts_csv(report, true, &mut out)?,
        Format::Csv => write_modules_csv(report, true, &mut out)?,
    }
    out.flush()
}
