//! The end of a boot: the tracer is stopped, and what it wrote is kept.

use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use kmodtrace_core::model::Ktime;
use kmodtrace_core::recording::{Boot, BootMark, Milestone, Writer};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Signal, kill_process};

use super::written::Written;
use super::{RECORDING, RUN, STORE, chain, reason, ring, store, systemd};
use crate::failure::{FAILED, failure};
use crate::live::machine;
use crate::live::pump::now;
use crate::plain_file::{sweep, whole};
use crate::replay;

const LOOK: Duration = Duration::from_secs(1);
/// Taking what the ring holds and writing it takes a moment.
const TO_STOP: Duration = Duration::from_mins(1);
/// Exists while udev has events to handle (src/udev/udev-manager.c of systemd).
const UDEV_QUEUE: &str = "/run/udev/queue";

/// When a boot is over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// Now.
    Now,
    /// Once systemd has reached its default target, and udev has had nothing to do, and nothing was recorded, for so long; or the tracer
    /// has ended by itself.
    QuietFor(Duration),
}

/// Waits for the end of the boot, stops the tracer, and keeps the recording: where it is then. No more than `keep` boots are kept, where
/// that is given.
pub(crate) fn keep(ending: Ending, keep: Option<u32>) -> Result<PathBuf> {
    let before = Written::find();
    if let (Ending::QuietFor(quiet), Some(written)) = (ending, &before) {
        wait_until_over(quiet, written);
    }
    let ended = now();
    // Of two who keep it, the second waits until the first has.
    let _one = lock()?;
    let found = Written::find();
    if found.is_none()
        && let Some(kept) = store::this_one()
    {
        return Ok(kept);
    }
    // One without a name is gone with its tracer, but for who has it open.
    let Some(written) = found.or(before) else {
        let why = reason::told().unwrap_or_else(|| "the tracer did not start".to_owned());
        return Err(failure(FAILED, format!("there is no recording of this boot: {why}")));
    };
    stop(&written)?;
    let kept = copy(&written, ended)?;
    if let Some(keep) = keep {
        store::prune(keep)?;
    }
    match fs::remove_file(RECORDING) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {RECORDING}"))
        }
        _ => Ok(kept),
    }
}

/// Waits until nobody else has the tracer's directory, and has it until the file is closed. None where nothing was traced.
fn lock() -> Result<Option<File>> {
    let folder = match File::open(RUN) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.with_context(|| format!("cannot open {RUN}"))?,
    };
    flock(&folder, FlockOperation::LockExclusive).with_context(|| format!("cannot lock {RUN}"))?;
    Ok(Some(folder))
}

fn wait_until_over(quiet: Duration, written: &Written) {
    let (mut since, mut last) = (Instant::now(), written.size());
    while !written.is_over() && (since.elapsed() < quiet || systemd::is_starting()) {
        thread::sleep(LOOK);
        if Path::new(UDEV_QUEUE).exists() || written.size() != last {
            (since, last) = (Instant::now(), written.size());
        }
    }
}

fn stop(written: &Written) -> Result<()> {
    if written.is_over() {
        return Ok(());
    }
    let Some(pid) = written.writer else {
        return Err(failure(
            FAILED,
            format!("cannot stop the tracer: nothing tells its process ({})", super::PID),
        ));
    };
    kill_process(pid, Signal::INT).with_context(|| format!("cannot stop the tracer, process {pid:?}"))?;
    if written.wait(TO_STOP) {
        Ok(())
    } else {
        Err(failure(FAILED, "the tracer did not stop"))
    }
}

/// Copies the recording to where it stays, with what the boot passed in its header. It is there whole, or not at all.
fn copy(written: &Written, ended: Ktime) -> Result<PathBuf> {
    let mut recording = replay::open(&written.path())?;
    let mut header = recording.header().clone();
    let mut boot = header.boot.take().unwrap_or_else(|| Boot {
        id: "unknown".to_owned(),
        ..Boot::default()
    });
    boot.marks = marks(header.clock.monotonic_ns, ended);
    if let Some(finished) = boot.at(Milestone::Finished) {
        boot.chain = chain::chain(finished);
    }
    boot.ring = ring::read(&boot.command_line, header.clock.monotonic_ns);
    // An initramfs knows neither.
    header.machine_id = machine::id();
    header.host = header.host.map(|_| machine::host());
    let folder = Path::new(STORE);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make {}", folder.display()))?;
    let path = store::path_of(&boot.id);
    header.boot = Some(boot);
    sweep(folder);
    let written = whole(&path, 0o600, |file| -> Result<File> {
        let mut writer = Writer::new(file, &header)?;
        recording.each(|record, _| Ok(writer.push(record)?))?;
        // A tracer that was killed left no trailer, and none is made up.
        writer.flush_block()?;
        Ok(writer.into_output())
    });
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// What the boot passed, in the order of time.
fn marks(attached: Ktime, ended: Ktime) -> Vec<BootMark> {
    let mark = |milestone, time_ns| BootMark { milestone, time_ns };
    let mut marks = systemd::milestones();
    marks.push(mark(Milestone::Attached, attached));
    marks.push(mark(Milestone::Ended, ended));
    marks.sort_by_key(|mark| mark.time_ns);
    marks
}
