//! `kmodtrace trace`: a line for every attempt as it returns, and for waits and deadlocks that last, live or from a
//! recording.

use std::io::{StdoutLock, Write as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::drill::{Load, TreeLimits, write_text};
use kmodtrace_core::analysis::findings::Findings;
use kmodtrace_core::analysis::graph::Watch;
use kmodtrace_core::model::{Finished, Ktime, ProbedFunction, Wanted, Zero};
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::recording::Header;
use kmodtrace_core::report::line::{HEADER, Line, time_text};
use kmodtrace_core::text::Names;

use super::tee::Tee;
use crate::cli::TraceCommand;
use crate::failure::say;
use crate::live::pump::{Ended, Sink};
use crate::live::session::Session;
use crate::recorder::{Recorder, Target};
use crate::replay;

/// Prints lines until a signal, the duration, the command's end, or the recording's.
pub(crate) fn run(args: &TraceCommand, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let modules = Names::matching(&args.trace.modules);
    match args.file.as_ref().or(args.trace.from.as_ref()) {
        Some(path) => {
            let mut recording = replay::open(path)?;
            let zero = args.times.zero(recording.header());
            let mut lines = Lines::new(recording.header(), modules, args.wanting.wanted(zero), zero)?;
            let ended = recording.each(|bytes| lines.record(bytes));
            lines.finish(quiet)?;
            recording.warn(quiet);
            ended.map(|()| ExitCode::SUCCESS)
        }
        None => live(args, modules, quiet, bpf_log),
    }
}

fn live(args: &TraceCommand, modules: Names, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let TraceCommand {
        times,
        wanting,
        trace: args,
        file: _,
    } = args;
    let target = args.output.as_deref().map(Target::new).transpose()?;
    let session = Session::open(super::options(&args.tracing, &args.drill, quiet, bpf_log))?;
    let zero = times.zero(&session.header);
    let mut sink = Tee {
        recorder: target
            .map(|target| Recorder::new(target, &session.header))
            .transpose()?,
        front: Some(Lines::new(&session.header, modules, wanting.wanted(zero), zero)?),
    };
    let Ended {
        stop,
        trailer,
        attached: _until_all_is_written,
    } = session.run(None, &mut sink)?;
    let (lines, summary) = sink.finish(&trailer)?;
    lines.map_or(Ok(()), |lines| lines.finish(quiet))?;
    if let Some(summary) = summary.filter(|_| !quiet) {
        say(summary);
    }
    Ok(stop.exit_code())
}

/// Records in, lines out.
struct Lines {
    pipeline: Pipeline,
    watch: Watch,
    findings: Findings,
    modules: Names,
    wanted: Wanted,
    zero: Zero,
    /// Functions of modules that were asked for, by their numbers.
    functions: Vec<ProbedFunction>,
    out: StdoutLock<'static>,
}

impl Lines {
    fn new(header: &Header, modules: Names, wanted: Wanted, zero: Zero) -> Result<Self> {
        let mut out = stdout().lock();
        super::written(writeln!(out, "{HEADER}").and_then(|()| out.flush()))?;
        Ok(Self {
            pipeline: Pipeline::default(),
            watch: Watch::default(),
            findings: Findings::default(),
            modules,
            wanted,
            zero,
            functions: header.functions.clone(),
            out,
        })
    }

    fn print(&mut self, finished: Vec<Finished>) -> Result<()> {
        for finished in finished.into_iter().filter(|finished| self.wanted.takes(finished)) {
            self.findings.add(&finished);
            if let Finished::Attempt(attempt) = finished
                && self.modules.take(attempt.module.as_deref())
            {
                let line = Line {
                    attempt: &attempt,
                    zero: self.zero,
                };
                super::written(writeln!(self.out, "{line}"))?;
                if !attempt.calls.is_empty() {
                    let load = Load::new(&attempt, &self.functions);
                    super::written(write_text(&load, TreeLimits::default(), &mut self.out))?;
                }
            }
        }
        Ok(())
    }

    /// What has been in flight for long.
    fn print_lasting(&mut self, now: Ktime) -> Result<()> {
        let session = self.pipeline.session();
        let attempts = session.in_flight().filter(|one| self.wanted.takes_attempt(one.attempt));
        let requests = session
            .requests_in_flight()
            .filter(|request| self.wanted.takes_request(request));
        let told = self.watch.tick(now, attempts, requests);
        for told in told.iter().filter(|told| told.is_about(&self.modules)) {
            let time = time_text(told.time, self.zero);
            super::written(writeln!(self.out, "{time}  {told}"))?;
        }
        Ok(())
    }

    /// The rest, what was found in all of it, and on stderr what is missing.
    fn finish(mut self, quiet: bool) -> Result<()> {
        let (rest, loss) = std::mem::take(&mut self.pipeline).finish();
        self.print(rest)?;
        let found = self.findings.list().into_iter();
        for finding in found.filter(|finding| finding.is_about(&self.modules)) {
            super::written(writeln!(self.out, "finding: {}", finding.text()))?;
        }
        super::written(self.out.flush())?;
        if !quiet {
            say(super::missing(&loss));
        }
        Ok(())
    }
}

impl Sink for Lines {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        self.pipeline.push(bytes)?;
        let finished = self.pipeline.take();
        self.print(finished)?;
        self.pipeline.take_tick().map_or(Ok(()), |now| self.print_lasting(now))
    }

    fn ring_emptied(&mut self, _idle: bool) -> Result<()> {
        super::written(self.out.flush())
    }
}
