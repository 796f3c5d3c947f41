//! `kmodtrace trace`: a line for every attempt and request as it returns, and for waits and deadlocks that last, live or
//! from a recording.

use std::collections::BTreeSet;
use std::io::{StdoutLock, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::findings::Findings;
use kmodtrace_core::analysis::graph::Watch;
use kmodtrace_core::model::{Finished, Ktime, RequestId, Wanted};
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::recording::Header;
use kmodtrace_core::text::Names;

use super::tee::Tee;
use crate::cli::TraceCommand;
use crate::failure::say;
use crate::live::privileges::Keep;
use crate::live::pump::{Ended, Sink};
use crate::live::session::Session;
use crate::notice::Notices;
use crate::output::{Format, News, Told, raw_stdout, written};
use crate::recorder::Recorder;
use crate::replay;
use crate::target::Target;

/// Prints lines until a signal, the duration, the command's end, or the recording's.
pub(crate) fn run(args: &TraceCommand, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    match args.file.as_ref().or(args.trace.from.as_ref()) {
        Some(path) => {
            let mut recording = replay::open(path)?;
            let mut lines = Lines::new(args, recording.header())?;
            let ended = recording.each(|bytes, _| lines.record(bytes));
            lines.finish(quiet)?;
            recording.warn(quiet);
            ended.map(|()| ExitCode::SUCCESS)
        }
        None => live(args, quiet, bpf_log),
    }
}

fn live(args: &TraceCommand, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let target = args.trace.output.as_deref().map(Target::named).transpose()?;
    let notices = Notices::new(quiet);
    let session = Session::open(super::options(&args.trace.tracing, &args.trace.drill, quiet, bpf_log))?;
    let mut sink = Tee {
        recorder: target
            .map(|target| Recorder::new(target, &session.header, None))
            .transpose()?,
        front: Some(Lines::new(args, &session.header)?),
    };
    session.announce(notices);
    let Ended {
        stop,
        trailer,
        attached,
    } = session.start(None, Keep::Nothing)?.run(&mut sink)?;
    let (lines, summary) = sink.finish(&trailer)?;
    lines.map_or(Ok(()), |lines| lines.finish(quiet))?;
    if let Some(summary) = summary.filter(|_| !quiet) {
        say(summary);
    }
    attached.detach(notices);
    Ok(stop.exit_code())
}

/// Records in, lines out.
struct Lines {
    pipeline: Pipeline,
    watch: Watch,
    findings: Findings,
    modules: Names,
    wanted: Wanted,
    /// Requests whose helper loaded or unloaded a selected module, as long as they last.
    requests: BTreeSet<RequestId>,
    told: Told,
    format: Format<Told>,
    out: StdoutLock<'static>,
}

impl Lines {
    fn new(args: &TraceCommand, header: &Header) -> Result<Self> {
        let zero = args.times.zero(header);
        let mut lines = Self {
            pipeline: Pipeline::default(),
            watch: Watch::default(),
            findings: Findings::default(),
            modules: Names::matching(&args.trace.modules),
            wanted: args.wanting.wanted(zero, header.clock)?,
            requests: BTreeSet::new(),
            told: Told::new(header, zero),
            format: args.format.clone(),
            out: written(raw_stdout())?,
        };
        lines.print()?;
        written(lines.out.flush())?;
        Ok(lines)
    }

    /// Writes what there is to tell.
    fn print(&mut self) -> Result<()> {
        self.format.write(&self.told, &mut self.out)?;
        self.told.news.clear();
        Ok(())
    }

    fn add(&mut self, finished: Vec<Finished>) {
        for finished in finished {
            let is_selected = self.is_selected(&finished);
            if self.wanted.takes(&finished) {
                self.findings.add(&finished);
                if is_selected {
                    self.told.news.push(News::Finished(finished));
                }
            }
        }
    }

    /// Whether it is about a selected module. A request is by its name, or by what its helper did, which ends before it.
    fn is_selected(&mut self, finished: &Finished) -> bool {
        match finished {
            Finished::Attempt(attempt) => {
                let selected = self.modules.take(attempt.module.as_deref());
                if selected && !self.modules.are_all() {
                    self.requests.extend(attempt.request);
                }
                selected
            }
            Finished::Request(request) => self.requests.remove(&request.id) || self.modules.take(Some(&request.name)),
            Finished::State(state) => self.modules.take(Some(&state.module)),
            Finished::Call(_) => false,
        }
    }

    /// What has been in flight for long.
    fn add_lasting(&mut self, now: Ktime) {
        let session = self.pipeline.session();
        let attempts = session.in_flight().filter(|one| self.wanted.takes_attempt(one.attempt));
        let requests = session.requests_in_flight();
        let requests = requests.filter(|request| self.wanted.takes_request(request));
        let lasting = self
            .watch
            .tick(now, self.pipeline.taken(), attempts, requests)
            .into_iter();
        let selected = lasting.filter(|lasting| lasting.is_about(&self.modules));
        self.told.news.extend(selected.map(News::Lasting));
    }

    /// The rest, what was found in all of it, and on stderr what is missing.
    fn finish(mut self, quiet: bool) -> Result<()> {
        let (rest, loss) = std::mem::take(&mut self.pipeline).finish();
        self.add(rest);
        let found = self.findings.list().into_iter();
        let selected = found.filter(|finding| finding.is_about(&self.modules));
        self.told.news.extend(selected.map(News::Found));
        let missing = super::missing(&loss);
        self.told.news.push(News::Ended(loss));
        self.print()?;
        written(self.out.flush())?;
        if !quiet {
            say(missing);
        }
        Ok(())
    }
}

impl Sink for Lines {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        self.pipeline.push(bytes)?;
        let finished = self.pipeline.take();
        self.add(finished);
        if let Some(now) = self.pipeline.take_tick() {
            self.add_lasting(now);
        }
        self.print()
    }

    fn ring_read(&mut self, _idle: bool) -> Result<()> {
        written(self.out.flush())
    }
}
