//! `kmodtrace record`: the bytes that the ring held, into a file.

use std::process::ExitCode;

use anyhow::Result;

use super::workload;
use crate::cli::{Record, With};
use crate::failure::say;
use crate::inside::Inside;
use crate::live::attach::Wish;
use crate::live::pump::Ended;
use crate::live::start::start;
use crate::recorder::{Recorder, Target, header};

/// Records until a signal, the duration, or the command's end.
pub(crate) fn run(args: &Record, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    // Bad news come before anything is attached.
    let target = Target::new(&args.output)?;
    workload::find(&args.command)?;
    let inside = Inside::find(&args.drill, None, quiet)?;
    let (mut tracer, facts) = start(&Wish {
        log: bpf_log,
        max_in_flight: args.max_in_flight,
        families: With::families(&args.with),
    })?;
    let mut header = header(&tracer, &facts, &args.command);
    let _calls = inside.attach(&mut tracer, &mut header, quiet)?;
    let mut recorder = Recorder::new(target, &header)?;
    let Ended {
        stop,
        trailer,
        attached: _until_all_is_written,
    } = super::follow(tracer, &args.command, args.duration, &mut recorder)?;
    let summary = recorder.finish(&trailer)?;
    if !quiet {
        say(summary);
    }
    Ok(workload::status(&stop))
}
