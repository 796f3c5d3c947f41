//! How fast this machine reads a recording, and whether that takes more memory the longer the recording is.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use guest_vm::{artifacts, paths::Scratch, process};

use super::{
    Size,
    answer::{self, Answer, Tracer},
    figure::{Figure, Report, short},
};

const GROUP: &str = "replay of a synthetic recording on this machine, one thread";

/// Reports of two recordings, one ten times as long as the other.
pub(super) fn measure(size: Size, report: &mut Report) -> Result<()> {
    let programs = artifacts::guest_programs()?;
    let (tool, bench) = (
        artifacts::named(&programs, "kmodtrace")?,
        artifacts::named(&programs, "load-bench")?,
    );
    let storm = artifacts::example("synth", "storm")?;
    let scratch = Scratch::new()?;
    let mut peaks = Vec::new();
    for records in [size.records / 10, size.records] {
        eprintln!("xtask: replaying {records} records");
        let file = scratch.path().join(records.to_string());
        process::captured(Command::new(&storm).arg(records.to_string()).arg(&file))?;
        let replay = replay(bench, tool, &file)?;
        #[expect(clippy::cast_precision_loss, reason = "some million records")]
        let rate = records as f64 / replay.cpu() / 1e6;
        report.add(Figure::new(GROUP, &format!("{records} records"), "M/s", vec![rate]));
        report.add(Figure::new(GROUP, "  memory at its peak", "MiB", vec![replay.peak()]));
        peaks.push(replay.peak());
    }
    if let [few, many] = peaks[..] {
        // A tenth: allocators differ by some pages from run to run.
        let figure = format!("{} MiB, {} MiB", short(few), short(many));
        report.aim(
            "memory of a replay does not grow with the number of attempts",
            figure,
            many <= few * 1.1,
        );
    }
    Ok(())
}

fn replay(bench: &Path, tool: &Path, file: &Path) -> Result<Tracer> {
    let mut command = Command::new(bench);
    command
        .args(["under", "replay"])
        .arg(tool)
        .args(["report", "--format", "csv", "--from"])
        .arg(file);
    match answer::read(&process::text(&mut command)?)?.pop() {
        Some(Answer::Tracer(replay)) => Ok(replay),
        _ => bail!("load-bench did not say what the replay took"),
    }
}
