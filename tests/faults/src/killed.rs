//! `record`, killed at random instants: what was over a quarter of a second before is in the file.

use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::Given;
use crate::random::Random;
use crate::said::{kmodtrace, told};

const FILE: &str = "killed.kmt";

/// What a killed tracer loses at the most, by the documentation.
const LOST: Duration = Duration::from_millis(250);

/// Calls are made for so long at the most before the kill.
const LONGEST: Duration = Duration::from_millis(1_500);

/// Between two calls.
const PAUSE: Duration = Duration::from_millis(3);

/// How long the tracer may take to be attached.
const PATIENCE: Duration = Duration::from_mins(1);

/// A call that was made and has returned.
#[derive(Debug)]
struct Made {
    syscall: &'static str,
    start: Duration,
    end: Duration,
    errno: i32,
}

/// What the report tells of calls.
#[derive(Deserialize)]
struct Report {
    quality: Quality,
    attempts: Vec<Seen>,
    unloads: Vec<Seen>,
}

#[derive(Deserialize)]
struct Quality {
    lost: u64,
    missed: u64,
    clipped: u64,
    truncated: Option<String>,
}

#[derive(Deserialize)]
struct Seen {
    tid: u32,
    syscall: Option<String>,
    start_ns: Option<u64>,
    end_ns: Option<u64>,
    errno: Option<i32>,
}

impl Made {
    /// Whether this is it, as it was.
    fn is(&self, seen: &Seen) -> bool {
        let at = |time: Option<u64>| time.map(Duration::from_nanos);
        let inside = |time: Option<u64>| at(time).is_some_and(|time| self.start <= time && time <= self.end);
        seen.tid == std::process::id()
            && seen.syscall.as_deref() == Some(self.syscall)
            && inside(seen.start_ns)
            && inside(seen.end_ns)
            && seen.errno == Some(self.errno)
    }
}

pub(crate) fn run(given: &Given) -> Result<String> {
    let mut random = Random::new();
    let (mut losses, mut calls) = (Vec::new(), 0);
    for round in 1..=given.rounds {
        let instant = random.below(LONGEST);
        let (made, killed) = round_of(instant).with_context(|| format!("round {round}"))?;
        calls += made.len();
        losses.push(loss(&made, killed).with_context(|| format!("round {round}, killed after {instant:?}"))?);
    }
    losses.sort();
    let violations = losses.iter().filter(|loss| **loss > LOST).count();
    let (median, most) = (losses.get(losses.len() / 2), losses.last());
    let (median, most) = (
        median.context("no round")?.as_millis(),
        most.context("no round")?.as_millis(),
    );
    let summary = format!(
        "{} kills, {calls} calls, seed {}: lost {median} ms in the median, {most} ms at the most",
        losses.len(),
        Random::SEED
    );
    ensure!(
        violations == 0,
        "{summary}; more than {} ms in {violations}",
        LOST.as_millis()
    );
    Ok(summary)
}

/// Records, makes calls for so long, and kills: the calls, and when it was.
fn round_of(instant: Duration) -> Result<(Vec<Made>, Duration)> {
    // Of an older one nothing is to be mistaken for the new one.
    let _ = fs::remove_file(FILE);
    let junk = junk()?;
    let mut tracer = Tracer::start()?;
    let until = now() + instant;
    let mut made = Vec::new();
    while now() < until {
        made.push(if made.len() % 2 == 0 {
            load(&junk)
        } else {
            unload(made.len())?
        });
        sleep(PAUSE.min(until.saturating_sub(now())));
    }
    let killed = now();
    tracer.0.kill().context("cannot kill it")?;
    tracer.0.wait().context("cannot wait for it")?;
    Ok((made, killed))
}

/// How much older than the kill the first call is whose end is not in the file. All those before it are there, or it was the first.
fn loss(made: &[Made], killed: Duration) -> Result<Duration> {
    let words = ["report", "--quiet", "--attempts", "--from", FILE].map(OsStr::new);
    let report: Report = told(&words)?;
    let Quality {
        lost,
        missed,
        clipped,
        truncated,
    } = report.quality;
    ensure!(
        (lost, missed, clipped) == (0, 0, 0),
        "lost {lost}, missed {missed}, clipped {clipped}"
    );
    ensure!(truncated.is_some(), "it takes itself for whole");
    let seen: Vec<&Seen> = report.attempts.iter().chain(&report.unloads).collect();
    let is_there = |call: &Made| seen.iter().any(|seen| call.is(seen));
    let there = made.iter().take_while(|call| is_there(call)).count();
    let holes = made.iter().skip(there).filter(|call| is_there(call)).count();
    ensure!(
        holes == 0,
        "{holes} calls are there behind {:?}, which is not",
        made.get(there)
    );
    Ok(made
        .get(there)
        .map_or(Duration::ZERO, |call| killed.saturating_sub(call.end)))
}

/// A tracer, which does not outlive this.
struct Tracer(Child);

impl Tracer {
    /// Starts it, and waits until it is attached: then its file has a header.
    fn start() -> Result<Self> {
        let mut command = kmodtrace(["record", "--quiet", "--output", FILE]);
        let child = command.stdin(Stdio::null()).spawn().context("cannot run kmodtrace")?;
        let (mut tracer, begun) = (Self(child), Instant::now());
        while !Path::new(FILE).metadata().is_ok_and(|file| file.len() > 0) {
            ensure!(tracer.0.try_wait()?.is_none(), "it has ended");
            ensure!(begun.elapsed() < PATIENCE, "it does not begin");
            sleep(PAUSE);
        }
        Ok(tracer)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A file that is no module.
fn junk() -> Result<File> {
    fs::write("junk", [0; 4_096])
        .and_then(|()| File::open("junk"))
        .context("cannot make a file")
}

fn load(file: &File) -> Made {
    // SAFETY: the kernel reads its arguments and writes nothing back.
    made("finit_module", || unsafe {
        libc::syscall(libc::SYS_finit_module, file.as_raw_fd(), c"".as_ptr(), 0)
    })
}

fn unload(number: usize) -> Result<Made> {
    let name = CString::new(format!("absent_{number}"))?;
    // SAFETY: the kernel reads a NUL-terminated string that lives until the call returns.
    Ok(made("delete_module", || unsafe {
        libc::syscall(libc::SYS_delete_module, name.as_ptr(), libc::O_NONBLOCK)
    }))
}

fn made(syscall: &'static str, call: impl FnOnce() -> libc::c_long) -> Made {
    let start = now();
    let failed = call() == -1;
    let error = std::io::Error::last_os_error();
    let end = now();
    let errno = if failed { error.raw_os_error().unwrap_or(0) } else { 0 };
    Made {
        syscall,
        start,
        end,
        errno,
    }
}

/// `CLOCK_MONOTONIC`, the clock of every record.
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(time).unwrap_or_default()
}
