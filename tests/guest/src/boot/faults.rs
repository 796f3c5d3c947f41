//! Boots that cannot be traced, or not to their end: each goes on to its end, and `kmodtrace boot status` says then what happened.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use guest_vm::image::{Image, Initramfs};

use super::agree::Agreement;
use super::{COLLECT, SMALL, booted, status, trace};
use crate::guest::Tally;
use crate::observed::report;

/// Makes the faults.
const FAULTS: &str = include_str!("fault.sh");

/// A killed tracer loses what it has not written: of the last quarter of a second, on an emulated processor that others use.
const LOST_NS: u64 = 1_000_000_000;

/// What goes wrong.
struct Fault {
    name: &'static str,
    /// What the command line has for it.
    append: &'static str,
    /// What `boot status` says of this boot: it begins so, and has this.
    says: (&'static str, &'static str),
    leaves: Leaves,
}

/// What there is of a recording.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    Nothing,
    /// All calls, and no word of what only BTF tells how to read.
    CallsOnly,
    /// Its beginning, and that it is no more than that.
    Beginning,
    /// All that was over when the tracer was killed.
    UntilKilled,
}

const TRACED: &str = "this boot was traced: ";
const NOT_TRACED: &str = "this boot could not be traced: ";
const NOTHING: &str = "of this boot there is no recording; the kernel's log has: ";

const ALL: [Fault; 6] = [
    Fault {
        name: "no-btf",
        append: "fault=no-btf",
        says: (TRACED, ".kmt"),
        leaves: Leaves::CallsOnly,
    },
    Fault {
        name: "lockdown",
        append: "lockdown=confidentiality",
        says: (NOT_TRACED, "kernel lockdown is set to confidentiality"),
        leaves: Leaves::Nothing,
    },
    Fault {
        name: "broken",
        append: "fault=broken",
        says: (NOTHING, "boot trace --detach ended with status"),
        leaves: Leaves::Nothing,
    },
    Fault {
        name: "full",
        append: "fault=full",
        says: (NOTHING, "No space left on device"),
        leaves: Leaves::Nothing,
    },
    Fault {
        name: "little-room",
        append: "fault=little-room",
        says: (
            TRACED,
            "but not to its end: cannot write /run/kmodtrace/boot.kmt: No space left on device",
        ),
        leaves: Leaves::Beginning,
    },
    Fault {
        name: "killed",
        append: "fault=killed",
        says: (
            TRACED,
            "but not to its end: the tracer did not say how it ended: it was killed",
        ),
        leaves: Leaves::UntilKilled,
    },
];

/// Boots with each of them, and compares what was recorded.
pub(super) fn run(tool: &Path, tally: &mut Tally) -> Result<()> {
    let image = Image::make(
        Initramfs::InitramfsTools,
        &[tool],
        &[FAULTS, SMALL.enable, COLLECT].concat(),
    )?;
    for fault in ALL {
        let compared = fault.run(tool, &image, tally);
        tally.scenario(fault.name, compared);
    }
    Ok(())
}

impl Fault {
    fn run(&self, tool: &Path, image: &Image, tally: &mut Tally) -> Result<usize> {
        let append = format!("{} {}", SMALL.append, self.append);
        let (out, duration) = booted(image, self.name, &append, false, tally)?;
        let status = status(&out)?;
        let (begins, holds) = self.says;
        let line = status.lines().find(|line| line.starts_with(begins));
        let line = line.filter(|line| line.contains(holds));
        let line = line.with_context(|| format!("boot status says {status:?} and not {begins}...{holds}"))?;
        tally
            .lines
            .push(format!("{:<15}{:>4} s  {line}", self.name, duration.as_secs()));
        let recording = out.join("boot.kmt");
        if self.leaves == Leaves::Nothing {
            ensure!(!recording.exists(), "there is a recording");
            return Ok(0);
        }
        let report = report(tool, &recording)?;
        let text = fs::read_to_string(out.join("trace")).context("the guest left no trace")?;
        let mut trace = trace::parse(&text)?;
        let calls = trace.calls.len();
        match self.leaves {
            Leaves::CallsOnly => {
                let unobserved = |what: &String| what.contains("not in BTF");
                ensure!(report.quality.unobserved.iter().any(unobserved), "all was observed");
                trace.forget_names();
            }
            Leaves::Beginning => {
                ensure!(
                    report.quality.truncated.is_some(),
                    "the recording takes itself for whole"
                );
                ensure!(!report.attempts.is_empty(), "the recording holds no call");
                return Ok(0);
            }
            _ => {
                let killed = fs::read_to_string(out.join("kmodtrace/killed")).context("the tracer was not killed")?;
                let up = seconds(&killed).with_context(|| format!("no time: {killed:?}"))?;
                trace.keep_until(up.saturating_sub(LOST_NS));
                ensure!(trace.calls.len() < calls, "no call came after it was killed");
            }
        }
        Agreement::of(&trace, &report).whole()
    }
}

/// The first of the two times of /proc/uptime, `12.34 45.67`, in nanoseconds.
fn seconds(uptime: &str) -> Option<u64> {
    let (seconds, hundredths) = uptime.split_whitespace().next()?.split_once('.')?;
    Some(seconds.parse::<u64>().ok()? * 1_000_000_000 + hundredths.parse::<u64>().ok()? * 10_000_000)
}
