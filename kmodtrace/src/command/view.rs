//! `kmodtrace` without a command, on a terminal: the live view.

use std::io::{IsTerminal as _, stdin, stdout};
use std::process::ExitCode;

use anyhow::Result;

use super::tee::Tee;
use crate::cli::{self, Trace};
use crate::failure::{FAILED, failure, say};
use crate::live::privileges::Keep;
use crate::live::pump::Ended;
use crate::live::session::{Session, runtime};
use crate::notice::Notices;
use crate::recorder::Recorder;
use crate::target::Target;
use crate::view::{self, Options, View, Way};

/// Whether there is a terminal to show it on, nobody else wants that, and nothing was asked for that only lines have.
pub(crate) fn is_wanted(args: &Trace) -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    args.tracing.command.is_empty()
        && args.modules.is_empty()
        && !dumb
        && stdin().is_terminal()
        && stdout().is_terminal()
}

/// Shows it until somebody quits, a signal comes, or the time is up.
pub(crate) fn run(args: &Trace, view: &cli::View, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let options = Options {
        frames: view.frames,
        stuck_after: view.stuck_after,
        mouse: view.mouse,
    };
    match &args.from {
        Some(path) => {
            let way = Way {
                at: view.at,
                play: view.play,
                speed: view.speed,
            };
            let shown = runtime()?.block_on(view::replay(path, way, options))?;
            match shown {
                Some(damage) => Err(failure(FAILED, format!("{}: {damage}", path.display()))),
                None => Ok(ExitCode::SUCCESS),
            }
        }
        None => live(args, options, quiet, bpf_log),
    }
}

fn live(args: &Trace, options: Options, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let target = args.output.as_deref().map(Target::named).transpose()?;
    let notices = Notices::new(quiet);
    let session = Session::open(super::options(&args.tracing, &args.drill, quiet, bpf_log))?;
    let recorder = target
        .map(|target| Recorder::new(target, &session.header, None))
        .transpose()?;
    let header = session.header.clone();
    let running = session.start(None, Keep::CurrentFolder)?;
    // The view listens for signals, for which the event loop has to be there.
    let front = {
        let _inside = running.enter();
        View::new(&header, "live", true, options)?
    };
    let mut sink = Tee {
        recorder,
        front: Some(front),
    };
    let Ended {
        stop: _,
        trailer,
        attached,
    } = running.run(&mut sink)?;
    let (front, summary) = sink.finish(&trailer)?;
    if let Some(mut view) = front {
        view.leave();
        let missing = super::missing(view.loss());
        if !quiet {
            say(summary.unwrap_or(missing));
        }
    }
    attached.detach(notices);
    Ok(ExitCode::SUCCESS)
}
