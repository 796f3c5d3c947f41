//! `kmodtrace record`: the bytes that the ring held, into a file.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{DEFAULT_FILE, Record};
use crate::failure::say;
use crate::live::privileges::Keep;
use crate::live::pump::Ended;
use crate::live::session::Session;
use crate::notice::Notices;
use crate::recorder::Recorder;
use crate::target::Target;

/// Records until a signal, the duration, or the command's end.
pub(crate) fn run(args: &Record, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    // Bad news come before anything is attached.
    let target = match &args.output {
        Some(path) => Target::named(path),
        None => Target::file(Path::new(DEFAULT_FILE)),
    }?;
    let notices = Notices::new(quiet);
    let session = Session::open(super::options(&args.tracing, &args.drill, quiet, bpf_log))?;
    let next = target.next();
    let mut recorder = Recorder::new(target, &session.header, args.max_size)?;
    session.announce(notices);
    let Ended {
        stop,
        trailer,
        attached,
    } = session.start(None, Keep::Nothing)?.run(&mut recorder)?;
    let summary = recorder.finish(&trailer)?;
    if !quiet {
        say(summary);
    }
    if let Some(next) = next {
        notices.say(&format!("see it with: {next}"));
    }
    attached.detach(notices);
    Ok(stop.exit_code())
}
