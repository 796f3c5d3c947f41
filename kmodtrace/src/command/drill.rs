//! `kmodtrace drill`: inside a module that is being loaded.

use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::analysis::drill::TreeLimits;
use kmodtrace_core::pipeline::Pipeline;

use super::tee::Tee;
use crate::cli::Drill;
use crate::failure::{FAILED, failure, say};
use crate::live::module_file::module_name;
use crate::live::pump::{Ended, Sink};
use crate::live::session::{Options, Session};
use crate::notice::Notices;
use crate::output::Loads;
use crate::recorder::{Recorder, Target as File};
use crate::replay;

/// Attaches to the functions of modules, and shows what the loads of these modules called until a signal, the duration, or the
/// command's end.
pub(crate) fn run(args: &Drill, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let limits = TreeLimits {
        depth: args.depth,
        ..TreeLimits::default()
    };
    if let Some(path) = &args.from {
        let mut recording = replay::open(path)?;
        let known = recording.header().functions.clone();
        if known.is_empty() {
            let text = format!("{}: no function was asked for when it was made", path.display());
            return Err(failure(FAILED, text));
        }
        let modules = args.modules.iter().map(|module| module_name(module));
        let mut loads = Loads::new(modules.collect(), known, limits);
        let (ended, ..) = recording.finished(quiet, |finished| {
            loads.add(finished);
            None
        });
        args.format.print(&loads)?;
        recording.warn(quiet);
        return ended.map(|()| ExitCode::SUCCESS);
    }
    let target = args.output.as_deref().map(File::new).transpose()?;
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
    } = session.run(None, &mut sink)?;
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

    fn ring_emptied(&mut self, _idle: bool) -> Result<()> {
        Ok(())
    }
}
