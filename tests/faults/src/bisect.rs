//! `bisect start` and `bisect step`, each call failed.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use serde::Deserialize;

use crate::Given;
use crate::fault::Kind::{self, Fails, Kills, Memory};
use crate::fault::{Subject, fresh, gone};
use crate::said::{Said, kmodtrace, nothing_is_left, run as said, told};

const KINDS: [Kind; 12] = [
    Fails("write", "ENOSPC"),
    Fails("fsync", "EIO"),
    Fails("rename", "EIO"),
    Fails("mkdir", "ENOSPC"),
    Fails("openat", "EIO"),
    Fails("flock", "ENOLCK"),
    Fails("ftruncate", "EIO"),
    Kills("write"),
    Kills("fsync"),
    Kills("rename"),
    Kills("mkdir"),
    Kills("openat"),
];

/// What a step does besides. To begin a session takes no more memory than any program.
const OF_STEPS: [Kind; 2] = [Fails("rmdir", "EIO"), Memory];

const RULE: &str = "init.count>0";
const BAD: i32 = 1;

/// Also where its recording could not be read.
const CANNOT_TELL: i32 = 125;
const FAILED: &[i32] = &[128, 129];

/// What `bisect report` tells of a session.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) steps: Vec<Step>,
    pub(crate) damage: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    pub(crate) label: Option<String>,
    pub(crate) verdict: Option<String>,
}

impl Step {
    /// Whether it is the one of this label, and was told to be bad.
    pub(crate) fn is_bad(&self, label: &str) -> bool {
        self.label.as_deref() == Some(label) && self.verdict.as_deref() == Some("bad")
    }
}

/// The report of a session, in which nothing is damaged.
pub(crate) fn report(session: &Path) -> Result<Report> {
    let words = ["bisect", "report", "--session"].map(OsStr::new);
    let report: Report = told(&[words.as_slice(), &[session.as_os_str()]].concat())?;
    ensure!(report.damage.is_empty(), "damaged: {:?}", report.damage);
    Ok(report)
}

/// Begins a session by which each run of the recording is bad.
pub(crate) fn start(session: &str) -> [&str; 9] {
    [
        "kmodtrace",
        "bisect",
        "start",
        "--session",
        session,
        "--bad-when",
        RULE,
        "--runs",
        "1",
    ]
}

/// A step of it, with the command that leaves the recording.
pub(crate) fn step<'w>(session: &'w str, label: &'w str, vm: &'w str) -> [&'w str; 9] {
    [
        "kmodtrace",
        "bisect",
        "step",
        "--session",
        session,
        "--label",
        label,
        "--vm",
        vm,
    ]
}

pub(crate) fn vm(given: &Given) -> String {
    format!("cp {} $KMODTRACE_OUT/a.kmt", given.recording.display())
}

fn made(words: &[&str]) -> Result<Said> {
    said(kmodtrace(&words[1..]).stdin(std::process::Stdio::null()))
}

pub(crate) fn run(given: &Given) -> Result<String> {
    let vm = vm(given);
    Ok(format!("start: {}; step: {}", starts(&vm)?, steps(&vm)?))
}

/// A session that was not begun can be, and one that was can be gone on with.
fn starts(vm: &str) -> Result<String> {
    let session = Path::new("begun");
    let subject = Subject {
        command: &start("begun"),
        done: &[0],
        failed: FAILED,
        files: &[],
    };
    subject.fails(
        &KINDS,
        || gone(session),
        |_, ended| {
            if ended.status == 0 {
                report(session)?;
            }
            // Where it is there all the same, that is said.
            made(&start("begun"))?;
            made(&step("begun", "now", vm))?.ended(BAD)?;
            report(session)?;
            nothing_is_left(session)
        },
    )
}

/// What was done before stays, a verdict that was told is there, and the step can be made again.
fn steps(vm: &str) -> Result<String> {
    let (kept, session) = (Path::new("kept"), Path::new("session"));
    fresh(kept)?;
    made(&start("kept"))?.ended(0)?;
    made(&step("kept", "before", vm))?.ended(BAD)?;
    let before = || {
        gone(session)?;
        said(Command::new("cp").args(["-a", "kept", "session"]))?
            .ended(0)
            .map(drop)
    };
    let subject = Subject {
        command: &step("session", "now", vm),
        done: &[BAD, CANNOT_TELL],
        failed: FAILED,
        files: &[],
    };
    let kinds = [&KINDS[..], &OF_STEPS].concat();
    subject.fails(&kinds, before, |_, ended| {
        let left = report(session)?;
        ensure!(left.steps.first().is_some_and(|step| step.is_bad("before")), "{left:?}");
        let is_told = |report: &Report| report.steps.last().is_some_and(|step| step.is_bad("now"));
        ensure!(ended.status != BAD || is_told(&left), "{left:?}");
        made(&step("session", "now", vm))?.ended(BAD)?;
        let whole = report(session)?;
        ensure!(is_told(&whole), "{whole:?}");
        nothing_is_left(session)
    })
}
