//! `kmodtrace drill`: inside a module that is being loaded.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::drill::TreeLimits;
use kmodtrace_core::pipeline::Pipeline;

use super::tee::Tee;
use crate::cli::{Drill, MAX_IN_FLIGHT, Tracing, WITH};
use crate::failure::{FAILED, USAGE, failure, say};
use crate::live::module_file::module_name;
use crate::live::privileges::Keep;
use crate::live::pump::{Ended, Sink};
use crate::live::session::{Options, Session};
use crate::notice::Notices;
use crate::output::Loads;
use crate::recorder::Recorder;
use crate::replay;
use crate::target::{Target, is_recording};

/// Shows what the loads of modules called: those of a recording, or those that come until a signal, the duration, or the command's end.
pub(crate) fn run(args: &Drill, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let limits = TreeLimits {
        depth: args.depth,
        ..TreeLimits::default()
    };
    match (&args.from, args.modules.split_first()) {
        (Some(path), _) => recorded(path, &args.modules, args, limits, quiet),
        (None, Some((first, modules))) if names_recording(first) => {
            if traces(args) {
                let text =
                    format!("{first} is a recording: options and commands for tracing mean nothing to it; see --help");
                return Err(failure(USAGE, text));
            }
            recorded(Path::new(first), modules, args, limits, quiet)
        }
        _ => live(args, limits, quiet, bpf_log),
    }
}

/// Whether a word is a recording and no module. A folder needs a slash: without one it may have the name of a module.
fn names_recording(word: &str) -> bool {
    let path = Path::new(word);
    let is_folder = || path.is_dir() && (word.contains('/') || word.starts_with('.'));
    word == "-" || is_folder() || path.is_file() && is_recording(path).unwrap_or_default()
}

/// Whether something is asked for that only tracing has.
fn traces(args: &Drill) -> bool {
    let Tracing {
        duration,
        max_in_flight,
        with,
        without,
        labels,
        command,
    } = &args.tracing;
    let options = duration.is_some() || args.output.is_some() || args.functions.is_some();
    let probes = *max_in_flight != MAX_IN_FLIGHT || with != WITH || !without.is_empty();
    let labelled = labels.host || !labels.tags.is_empty();
    options || probes || labelled || !command.is_empty()
}

/// What a recording holds of these modules, of all that were asked for when it was made where there are none.
fn recorded(path: &Path, modules: &[String], args: &Drill, limits: TreeLimits, quiet: bool) -> Result<ExitCode> {
    let mut recording = replay::open(path)?;
    let known = recording.header().functions.clone();
    if known.is_empty() {
        let text = format!(
            "{}: no functions of modules were traced when it was made; kmodtrace record --drill MODULE traces them",
            path.display()
        );
        return Err(failure(FAILED, text));
    }
    let modules: BTreeSet<String> = if modules.is_empty() {
        known.iter().filter_map(|function| function.module.clone()).collect()
    } else {
        modules.iter().map(|module| module_name(module)).collect()
    };
    let mut loads = Loads::new(modules.into_iter().collect(), known, limits);
    let (ended, ..) = recording.finished(quiet, |finished| {
        loads.add(finished);
        None
    });
    args.format.print(&loads)?;
    recording.warn(quiet);
    ended.map(|()| ExitCode::SUCCESS)
}

/// Attaches to the functions of modules, and shows what the loads of these called.
fn live(args: &Drill, limits: TreeLimits, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let target = args.output.as_deref().map(Target::named).transpose()?;
    let notices = Notices::new(quiet);
    let session = Session::open(Options {
        functions: args.functions.as_deref(),
        ..super::options(&args.tracing, &args.modules, quiet, bpf_log)
    })?;
    let mut sink = Tee {
        recorder: target
            .map(|target| Recorder::new(target, &session.header, None))
            .transpose()?,
        front: Some(Front {
            pipeline: Pipeline::default(),
            loads: Loads::new(session.modules.clone(), session.header.functions.clone(), limits),
        }),
    };
    session.announce(notices);
    let Ended {
        stop,
        trailer,
        attached,
    } = session.start(None, Keep::Nothing)?.run(&mut sink)?;
    let (front, summary) = sink.finish(&trailer)?;
    if let Some(mut front) = front {
        let (rest, loss) = front.pipeline.finish();
        for finished in rest {
            front.loads.add(finished);
        }
        args.format.print(&front.loads)?;
        if !quiet {
            say(super::missing(&loss));
        }
    }
    if let Some(summary) = summary.filter(|_| !quiet) {
        say(summary);
    }
    attached.detach(notices);
    Ok(stop.exit_code())
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

    fn ring_read(&mut self, _idle: bool) -> Result<()> {
        Ok(())
    }
}
