//! One run of a workload: a command recorded here, or a machine that somebody else boots.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};
use kmodtrace_core::compare::bisect::{CommandEnd, RunEnd, StepHead, Workload};

use super::session::{self, Writing};
use crate::cli::{Labels, With};
use crate::failure::{BISECT_FAILED, INTERRUPTED, failure};
use crate::live::attach::Wish;
use crate::live::privileges::Keep;
use crate::live::pump::{Ended, Stop};
use crate::live::session::{Options, Session};
use crate::recorder::Recorder;
use crate::target::Target;
use crate::workload;

/// Where a guest's recordings are to be left: a variable of the command that boots it.
const OUT: &str = "KMODTRACE_OUT";

/// What recordings are called.
const RECORDING: &str = "kmt";

/// Runs it once. What it left is kept before this returns.
pub(crate) fn once(writing: &mut Writing, head: &StepHead, with: &[With]) -> Result<()> {
    let step = head.number;
    let run = writing.next_run(step)?;
    match &head.workload {
        Workload::Command(words) => {
            let command: Vec<OsString> = words.iter().map(OsString::from).collect();
            let part = writing.session.run_file(step, run, "kmt.part");
            let end = record(&part, || writing.console(step, run), &command, with, &head.drill)?;
            let recording = writing.keep_recording(&part, step, run)?;
            keep(writing, step, run, end, Some(recording), run)
        }
        Workload::Vm(command) => {
            let out = writing.session.run_file(step, run, "out");
            let (end, recordings) = boot(command, &out, writing.console(step, run)?)?;
            if recordings.is_empty() {
                keep(writing, step, run, end, None, run)?;
            }
            for (next, recording) in (run..).zip(recordings) {
                let name = writing.keep_recording(&recording, step, next)?;
                keep(writing, step, next, end, Some(name), run)?;
            }
            // Whatever else the guest left stays.
            let _ = fs::remove_dir(&out);
            Ok(())
        }
    }
}

fn keep(
    writing: &mut Writing,
    step: u32,
    run: u32,
    command: CommandEnd,
    recording: Option<String>,
    call: u32,
) -> Result<()> {
    let console = session::name(&writing.session.run_file(step, call, "console"));
    let end = RunEnd {
        command,
        recording,
        console,
    };
    writing.end_run(step, run, end)
}

/// Records a command here. Where this kernel cannot be traced nothing is begun, and no file is made.
fn record(
    part: &Path,
    console: impl FnOnce() -> Result<File>,
    command: &[OsString],
    with: &[With],
    drill: &[String],
) -> Result<CommandEnd> {
    let target = Target::file(part)?;
    let labels = Labels::default();
    let session = Session::open(Options {
        wish: Wish {
            log: false,
            max_in_flight: crate::cli::MAX_IN_FLIGHT,
            families: With::families(with),
        },
        modules: drill,
        functions: None,
        command,
        duration: None,
        labels: &labels,
        quiet: true,
    })?;
    let mut recorder = Recorder::new(target, &session.header, None)?;
    let console = console()?;
    let began = Instant::now();
    let Ended {
        stop,
        trailer,
        attached: _until_all_is_written,
    } = session.start(Some(&console), Keep::All)?.run(&mut recorder)?;
    let duration_ns = nanos(began);
    recorder.finish(&trailer)?;
    match stop {
        Stop::Command(status) => Ok(CommandEnd {
            status: workload::status_of(status),
            duration_ns,
        }),
        Stop::Signal | Stop::Duration | Stop::Reader | Stop::Full => Err(failure(
            INTERRUPTED,
            format!(
                "interrupted; step goes on from here, and {} can be read",
                part.display()
            ),
        )),
    }
}

fn nanos(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Lets somebody boot a machine, and finds the recordings that it left.
fn boot(command: &str, out: &Path, console: File) -> Result<(CommandEnd, Vec<PathBuf>)> {
    fs::create_dir(out).with_context(|| format!("cannot make {}", out.display()))?;
    let out = out
        .canonicalize()
        .with_context(|| format!("cannot find {}", out.display()))?;
    let began = Instant::now();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env(OUT, &out).stdin(Stdio::null());
    let status = console
        .try_clone()
        .and_then(|copy| shell.stdout(copy).stderr(console).status());
    let status = status.map_err(|error| failure(BISECT_FAILED, format!("cannot run /bin/sh: {error}")))?;
    let end = CommandEnd {
        status: workload::status_of(status),
        duration_ns: nanos(began),
    };
    let recordings = left(&out).with_context(|| format!("cannot read {}", out.display()))?;
    Ok((end, recordings))
}

fn left(out: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(out)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<PathBuf>>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == RECORDING));
    paths.sort();
    Ok(paths)
}
