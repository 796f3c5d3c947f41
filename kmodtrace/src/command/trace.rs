//! `kmodtrace trace`: a line for every attempt as it returns, and for waits and deadlocks that last, live or from a
//! recording.

use std::io::{StdoutLock, Write as _, stdout};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::attempt::Finished;
use kmodtrace_core::decode::TickBytes;
use kmodtrace_core::event::Counters;
use kmodtrace_core::findings::Findings;
use kmodtrace_core::graph::Watch;
use kmodtrace_core::line::{HEADER, Line, time_text};
use kmodtrace_core::order::Loss;
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::recording::Header;
use kmodtrace_core::report::Selection;
use kmodtrace_core::units::Ktime;

use super::workload;
use crate::cli::{Trace, With};
use crate::failure::{reader_is_gone, say};
use crate::live::attach::Wish;
use crate::live::pump::{Ended, Sink};
use crate::live::start::start;
use crate::recorder::{Recorder, Target, header};
use crate::replay;

/// Prints lines until a signal, the duration, the command's end, or the recording's.
pub(crate) fn run(args: &Trace, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let selection = Selection {
        modules: super::globs(&args.modules),
        ..Selection::default()
    };
    match &args.from {
        Some(path) => {
            let mut recording = replay::open(path)?;
            let mut lines = Lines::new(recording.header(), selection)?;
            let ended = recording.each(|bytes| lines.record(bytes));
            lines.finish(quiet)?;
            recording.warn(quiet);
            ended.map(|()| ExitCode::SUCCESS)
        }
        None => live(args, selection, quiet, bpf_log),
    }
}

fn live(args: &Trace, selection: Selection, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let target = args.output.as_deref().map(Target::new).transpose()?;
    workload::find(&args.command)?;
    let (tracer, facts) = start(&Wish {
        log: bpf_log,
        max_in_flight: args.max_in_flight,
        families: With::families(&args.with),
    })?;
    let header = header(&tracer, &facts, &args.command);
    let mut sink = Both {
        recorder: target.map(|target| Recorder::new(target, &header)).transpose()?,
        lines: Some(Lines::new(&header, selection)?),
    };
    let Ended {
        stop,
        trailer,
        attached: _until_all_is_written,
    } = super::follow(tracer, &args.command, args.duration, &mut sink)?;
    sink.finish(&trailer, quiet)?;
    Ok(workload::status(&stop))
}

/// Lines as long as somebody reads them, and the recording beside them if there is to be one.
struct Both {
    recorder: Option<Recorder>,
    lines: Option<Lines>,
}

impl Sink for Both {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(recorder) = &mut self.recorder {
            recorder.record(bytes)?;
        }
        self.show(|lines| lines.record(bytes))
    }

    fn settle(&mut self, idle: bool) -> Result<()> {
        if let Some(recorder) = &mut self.recorder {
            recorder.settle(idle)?;
        }
        self.show(|lines| lines.settle(idle))
    }

    fn is_over(&self) -> bool {
        self.lines.is_none()
    }
}

impl Both {
    /// A reader that goes away ends the lines, and the recording gets its proper end all the same.
    fn show(&mut self, show: impl FnOnce(&mut Lines) -> Result<()>) -> Result<()> {
        let shown = self.lines.as_mut().map_or(Ok(()), show);
        if shown.as_ref().is_err_and(reader_is_gone) {
            self.lines = None;
            return Ok(());
        }
        shown
    }

    fn finish(mut self, trailer: &TickBytes, quiet: bool) -> Result<()> {
        self.show(|lines| lines.record(trailer))?;
        let Self { recorder, lines } = self;
        let summary = recorder.map(|recorder| recorder.finish(trailer)).transpose()?;
        lines.map_or(Ok(()), |lines| lines.finish(quiet))?;
        if let Some(summary) = summary.filter(|_| !quiet) {
            say(summary);
        }
        Ok(())
    }
}

/// Records in, lines out.
struct Lines {
    pipeline: Pipeline,
    watch: Watch,
    findings: Findings,
    selection: Selection,
    origin: Ktime,
    out: StdoutLock<'static>,
}

impl Lines {
    fn new(header: &Header, selection: Selection) -> Result<Self> {
        let mut out = stdout().lock();
        super::written(writeln!(out, "{HEADER}").and_then(|()| out.flush()))?;
        Ok(Self {
            pipeline: Pipeline::default(),
            watch: Watch::default(),
            findings: Findings::default(),
            selection,
            origin: header.clock.monotonic_ns,
            out,
        })
    }

    fn print(&mut self, finished: Vec<Finished>) -> Result<()> {
        for finished in finished {
            self.findings.add(&finished);
            if let Finished::Attempt(attempt) = finished
                && self.selection.takes(attempt.module.as_deref())
            {
                let line = Line {
                    attempt: &attempt,
                    origin: self.origin,
                };
                super::written(writeln!(self.out, "{line}"))?;
            }
        }
        Ok(())
    }

    /// What has been in flight for long.
    fn print_lasting(&mut self, now: Ktime) -> Result<()> {
        let session = self.pipeline.session();
        let told = self.watch.tick(now, session.in_flight(), session.requests_in_flight());
        for told in told.iter().filter(|told| told.is_selected(&self.selection)) {
            let time = time_text(told.time, self.origin);
            super::written(writeln!(self.out, "{time}  {told}"))?;
        }
        Ok(())
    }

    /// The rest, what was found in all of it, and on stderr what is missing.
    fn finish(mut self, quiet: bool) -> Result<()> {
        let (rest, loss) = std::mem::take(&mut self.pipeline).finish();
        self.print(rest)?;
        let found = self.findings.list().into_iter();
        for finding in found.filter(|finding| finding.is_selected(&self.selection)) {
            super::written(writeln!(self.out, "finding: {}", finding.text()))?;
        }
        super::written(self.out.flush())?;
        if !quiet {
            say(missing(&loss));
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

    fn settle(&mut self, _idle: bool) -> Result<()> {
        super::written(self.out.flush())
    }
}

fn missing(loss: &Loss) -> String {
    let Counters {
        dropped: _,
        missed,
        clipped,
    } = loss.counters();
    format!("lost {}, missed {missed}, clipped {clipped}", loss.lost())
}
