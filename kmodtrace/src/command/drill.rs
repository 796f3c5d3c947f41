//! `kmodtrace drill`: inside a module that is being loaded.

use std::io::{self, BufWriter, Write as _, stderr, stdout};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::drill::{Elsewhere, Limits, Load, json, write_text};
use kmodtrace_core::model::{Attempt, Finished, ProbedFunction};
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::text::printable;

use super::tee::Tee;
use crate::cli::{Drill, DrillFormat};
use crate::failure::{FAILED, failure, say};
use crate::live::module_file::module_name;
use crate::live::pump::{Ended, Sink};
use crate::live::session::{Options, Session};
use crate::recorder::{Recorder, Target as File};
use crate::replay;

/// Loads kept: of more the first ones are shown.
const LOADS: usize = 1_000;

/// Attaches to the functions of modules, and shows what the loads of these modules called until a signal, the duration, or the
/// command's end.
pub(crate) fn run(args: &Drill, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let limits = Limits {
        depth: args.depth,
        ..Limits::default()
    };
    if let Some(path) = &args.from {
        let mut recording = replay::open(path)?;
        let known = recording.header().functions.clone();
        if known.is_empty() {
            let text = format!("{}: no function was asked for when it was made", path.display());
            return Err(failure(FAILED, text));
        }
        let mut loads = Loads::new(args.modules.iter().map(|module| module_name(module)).collect());
        let (ended, _) = recording.finished(|finished| loads.add(finished));
        super::written(loads.write(&known, args.format, limits))?;
        recording.warn(quiet);
        return ended.map(|()| ExitCode::SUCCESS);
    }
    let target = args.output.as_deref().map(File::new).transpose()?;
    let session = Session::open(Options {
        functions: args.functions.as_deref(),
        ..super::options(&args.tracing, &args.modules, quiet, bpf_log)
    })?;
    let functions = session.header.functions.clone();
    let mut sink = Tee {
        recorder: target
            .map(|target| Recorder::new(target, &session.header))
            .transpose()?,
        front: Some(Front {
            pipeline: Pipeline::default(),
            loads: Loads::new(session.modules.clone()),
        }),
    };
    let Ended {
        stop,
        trailer,
        attached: _until_all_is_written,
    } = session.run(None, &mut sink)?;
    let (front, summary) = sink.finish(&trailer)?;
    if let Some(mut front) = front {
        let (rest, loss) = front.pipeline.finish();
        for finished in rest {
            front.loads.add(finished);
        }
        super::written(front.loads.write(&functions, args.format, limits))?;
        if !quiet {
            say(super::missing(&loss));
        }
    }
    if let Some(summary) = summary.filter(|_| !quiet) {
        say(summary);
    }
    Ok(stop.exit_code())
}

/// Loads of the modules, and calls outside of loads.
struct Loads {
    modules: Vec<String>,
    kept: Vec<Attempt>,
    more: u64,
    elsewhere: Elsewhere,
}

impl Loads {
    fn new(modules: Vec<String>) -> Self {
        Self {
            modules,
            kept: Vec::new(),
            more: 0,
            elsewhere: Elsewhere::default(),
        }
    }

    /// Only those that came to run something of the module: the others are for `report` and `why`.
    fn add(&mut self, finished: Finished) {
        match finished {
            Finished::Call(mark) => self.elsewhere.add(mark),
            Finished::Attempt(attempt) if self.is_load(&attempt) => {
                if self.kept.len() < LOADS {
                    self.kept.push(*attempt);
                } else {
                    self.more += 1;
                }
            }
            _ => {}
        }
    }

    fn is_load(&self, attempt: &Attempt) -> bool {
        let module = attempt.module.as_ref();
        let is_ours = module.is_some_and(|module| self.modules.contains(module));
        is_ours && !attempt.is_unload() && (attempt.init.is_some() || !attempt.calls.is_empty())
    }

    fn write(&self, known: &[ProbedFunction], format: DrillFormat, limits: Limits) -> io::Result<()> {
        let mut out = BufWriter::new(stdout().lock());
        for attempt in &self.kept {
            let load = Load::new(attempt, known);
            match format {
                DrillFormat::Tree => write_text(&load, limits, &mut out)?,
                DrillFormat::Json => writeln!(out, "{}", json(&load)?)?,
            }
        }
        out.flush()?;
        match format {
            DrillFormat::Tree => self.write_rest(known, &mut out)?,
            // There a line is a load.
            DrillFormat::Json => self.write_rest(known, &mut stderr().lock())?,
        }
        out.flush()
    }

    /// What is no load.
    fn write_rest(&self, known: &[ProbedFunction], out: &mut impl io::Write) -> io::Result<()> {
        if self.more > 0 {
            writeln!(out, "and {} more loads", self.more)?;
        }
        for module in &self.modules {
            if !self.kept.iter().any(|load| load.module.as_ref() == Some(module)) {
                writeln!(
                    out,
                    "{}: it was not loaded, as far as to run its init function",
                    printable(module)
                )?;
            }
        }
        self.elsewhere.write(known, out)
    }
}

/// Records in, loads kept.
struct Front {
    pipeline: Pipeline,
    loads: Loads,
}

impl Sink for Front {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        self.pipeline.push(bytes)?;
        for finished in self.pipeline.take() {
            self.loads.add(finished);
        }
        Ok(())
    }

    fn settle(&mut self, _idle: bool) -> Result<()> {
        Ok(())
    }
}
