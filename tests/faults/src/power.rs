//! A disk that loses what was not synced: ext4 on memory, shut down as when the power fails (`EXT4_IOC_SHUTDOWN`), mounted again.

use std::fs::{self, File};
use std::os::fd::{AsRawFd as _, RawFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::boots::{KEEP, KEPT, recorded};
use crate::random::Random;
use crate::said::{kmodtrace, nothing_is_left, reads, run as said};
use crate::{Given, bisect};

/// Where boots are kept is on it too.
const DISK: &str = "/var/lib/kmodtrace";
const DEVICE: &str = "/dev/ram0";

/// A session gets so long at the most.
const LONGEST: Duration = Duration::from_secs(3);

/// `EXT4_IOC_SHUTDOWN`, `_IOR('X', 125, __u32)`, and `EXT4_GOING_FLAGS_NOLOGFLUSH` (fs/ext4/ext4.h).
const SHUTDOWN: libc::Ioctl = 0x8004_587d_u32 as libc::Ioctl;
static WITHOUT_THE_LOG: u32 = 2;

pub(crate) fn run(given: &Given) -> Result<String> {
    tool("modprobe", &["brd", "rd_nr=1", "rd_size=65536"])?;
    tool("mke2fs", &["-q", "-t", "ext4", DEVICE])?;
    fs::create_dir_all(DISK).with_context(|| format!("cannot make {DISK}"))?;
    let mut random = Random::new();
    let mut steps = 0;
    for round in 1..=given.rounds {
        steps += session(given, round, random.below(LONGEST)).with_context(|| format!("round {round}"))?;
    }
    recording().context("record")?;
    boot(given).context("boot keep")?;
    Ok(format!(
        "{} sessions that were cut, with {steps} steps told; a recording; a boot",
        given.rounds
    ))
}

/// Makes steps until the power fails after so long. Each that was told is there, and the session can be gone on with.
/// Gives how many were told.
fn session(given: &Given, round: u32, instant: Duration) -> Result<usize> {
    let session = PathBuf::from(format!("{DISK}/{round}"));
    let name = session.to_string_lossy();
    let vm = bisect::vm(given);
    mount()?;
    let disk = File::open(DISK).context("cannot open the disk")?;
    let raw = disk.as_raw_fd();
    let power = thread::spawn(move || {
        thread::sleep(instant);
        power_fails(raw)
    });
    let made = |words: &[&str]| said(kmodtrace(&words[1..]).stdin(Stdio::null()));
    let started = made(&bisect::start(&name))?;
    let is_begun = started.status == 0;
    let mut told = Vec::new();
    let last = loop {
        if !is_begun {
            break started;
        }
        let label = format!("step-{}", told.len() + 1);
        let step = made(&bisect::step(&name, &label, &vm))?;
        if step.status != 1 {
            break step;
        }
        told.push(label);
    };
    power.join().map_err(|_| anyhow!("a thread panicked"))??;
    drop(disk);
    last.is_plain(true)?;
    ensure!(last.status == 129, "{last:?}");
    unmount()?;
    mount()?;
    if session.join("session.json").exists() {
        let report = bisect::report(&session)?;
        let both = told.iter().zip(&report.steps);
        let there = both.filter(|(label, step)| step.is_bad(label)).count();
        ensure!(
            there == told.len(),
            "of {} steps that were told {there} are there: {report:?}",
            told.len()
        );
    } else {
        ensure!(!is_begun, "the session is gone");
        made(&bisect::start(&name))?.ended(0)?;
    }
    made(&bisect::step(&name, "after", &vm))?.ended(1)?;
    let report = bisect::report(&session)?;
    ensure!(
        report.steps.last().is_some_and(|step| step.is_bad("after")),
        "{report:?}"
    );
    nothing_is_left(&session)?;
    fs::remove_dir_all(&session).context("cannot remove the session")?;
    unmount()?;
    Ok(told.len())
}

/// A recording that was told to be there is.
fn recording() -> Result<()> {
    let path = format!("{DISK}/a.kmt");
    survives(Path::new(&path), &["record", "--output", &path, "--", "true"])
}

/// A boot that was told to be kept is.
fn boot(given: &Given) -> Result<()> {
    recorded(given)?;
    survives(Path::new(KEPT), &KEEP[1..])
}

/// What a command wrote is there after the power failed right behind it.
fn survives(path: &Path, words: &[&str]) -> Result<()> {
    mount()?;
    let disk = File::open(DISK).context("cannot open the disk")?;
    said(&mut kmodtrace(words))?.ended(0)?;
    let written = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    power_fails(disk.as_raw_fd())?;
    drop(disk);
    unmount()?;
    mount()?;
    let left = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(written == left, "of {} bytes {} are left", written.len(), left.len());
    reads(path)?;
    unmount()
}

fn power_fails(disk: RawFd) -> Result<()> {
    // SAFETY: the kernel reads a number that lives until the call returns.
    let done = unsafe { libc::ioctl(disk, SHUTDOWN, &raw const WITHOUT_THE_LOG) };
    ensure!(
        done == 0,
        "cannot shut the disk down: {}",
        std::io::Error::last_os_error()
    );
    Ok(())
}

fn mount() -> Result<()> {
    tool("mount", &["-t", "ext4", DEVICE, DISK])
}

fn unmount() -> Result<()> {
    tool("umount", &[DISK])
}

fn tool(program: &str, words: &[&str]) -> Result<()> {
    said(Command::new(program).args(words))?
        .ended(0)
        .map(drop)
        .with_context(|| format!("{program} {words:?}"))
}
