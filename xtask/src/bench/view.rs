//! What the live view costs, on a pseudo terminal of this machine: while attempts come, while nothing comes, and after many.
//!
//! Its records are those of a recording that it plays, or reads at once: the view is the same as on a live session, and
//! loads at a known rate, a million of them, are nothing that a guest could do.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use guest_vm::{artifacts, paths::Scratch, process};
use serde::Deserialize;

use super::figure::{Figure, Report, short};

const GROUP: &str = "the live view, on a pseudo terminal of this machine";
/// Attempts a second, where it plays.
const RATE: u64 = 1_000;
/// Seconds of the recording that are left for what is played before the view is watched, and after.
const MARGIN: u64 = 8;
/// What drawing may take of one processor, in per cent.
const BUSY: f64 = 10.0;
/// What it may keep in memory, in MiB.
const MEMORY: f64 = 60.0;
/// When the first frame has to be there, in seconds.
const FIRST_FRAME: f64 = 1.0;

/// How much is measured.
#[derive(Clone, Copy)]
struct Size {
    /// In the recording.
    attempts: u64,
    /// How long the view is watched.
    seconds: u64,
}

const FULL: Size = Size {
    attempts: 1_000_000,
    seconds: 20,
};
const QUICK: Size = Size {
    attempts: 20_000,
    seconds: 5,
};

/// What view-bench says.
#[derive(Debug, Deserialize)]
struct Watched {
    first_frame_s: f64,
    /// When the text that was waited for was there.
    shown_s: f64,
    span_s: f64,
    cpu_s: f64,
    wake_ups: u32,
    bytes: u32,
    /// As the view shows them, when it began to be watched and at the end.
    attempts: [u32; 2],
    resident_kb: u32,
    peak_kb: u32,
}

/// Plays the beginning of a recording, and its end after all that comes before it; then reads it all.
pub(super) fn measure(quick: bool, report: &mut Report) -> Result<()> {
    let Size { attempts, seconds } = if quick { QUICK } else { FULL };
    let storm = artifacts::example("synth", "storm")?;
    let view = View::build(seconds)?;
    let scratch = Scratch::new()?;
    let recording = scratch.path().join("storm");
    eprintln!("xtask: watching the view: {attempts} attempts, {seconds} s each time");
    let mut storm = Command::new(storm);
    storm.args(["--attempts", &attempts.to_string()]);
    storm.arg(&recording).arg(RATE.to_string());
    process::captured(&mut storm)?;
    let last = format!("{}s", (attempts / RATE).saturating_sub(seconds + MARGIN));
    let beginning = view.watch("plays", &recording, &["--play"])?;
    let ending = view.watch("plays", &recording, &["--play", "--at", &last])?;
    let read = view.watch(" end ", &recording, &[])?;
    ensure!(
        read.attempts.map(u64::from) == [attempts; 2],
        "the view shows {:?} attempts of {attempts}",
        read.attempts
    );
    let first_frames = [&beginning, &ending, &read].map(|watched| watched.first_frame_s);
    busy(report, &[("from the beginning", beginning), ("up to the end", ending)]);
    idle(report, &read);
    after_all(report, &read, attempts);
    first_frame(report, first_frames.to_vec(), attempts);
    Ok(())
}

/// The programs.
struct View {
    tool: PathBuf,
    bench: PathBuf,
    seconds: u64,
}

impl View {
    fn build(seconds: u64) -> Result<Self> {
        Ok(Self {
            tool: artifacts::static_kmodtrace()?,
            bench: artifacts::example("load-driver", "view-bench")?,
            seconds,
        })
    }

    /// Watches it from the moment that it shows the text.
    fn watch(&self, text: &str, recording: &Path, arguments: &[&str]) -> Result<Watched> {
        let mut bench = Command::new(&self.bench);
        bench.args([text, &self.seconds.to_string()]).arg(&self.tool);
        bench.arg("--from").arg(recording).args(arguments);
        let answer = process::text(&mut bench)?;
        serde_json::from_str(&answer).with_context(|| format!("not view-bench's: {answer}"))
    }
}

impl Watched {
    /// Per cent of one processor.
    fn cpu(&self) -> f64 {
        self.cpu_s / self.span_s * 100.0
    }

    /// What there was to show, a second.
    fn rate(&self) -> f64 {
        let [before, after] = self.attempts.map(f64::from);
        (after - before) / self.span_s
    }
}

fn busy(report: &mut Report, playing: &[(&str, Watched)]) {
    for (part, watched) in playing {
        let mut add = |name: &str, unit, sample| report.add(Figure::new(GROUP, name, unit, vec![sample]));
        add(&format!("played {part}"), "/s", watched.rate());
        add("  of one processor", "%", watched.cpu());
        add(
            "  to the terminal",
            "kB/s",
            f64::from(watched.bytes) / watched.span_s / 1e3,
        );
    }
    let most = playing.iter().map(|(_, watched)| watched.cpu()).fold(0.0, f64::max);
    let wanted = format!("the view takes under {BUSY} % of one processor at {RATE} attempts a second");
    report.aim(&wanted, format!("{} %", short(most)), most < BUSY);
}

fn idle(report: &mut Report, read: &Watched) {
    let wake_ups = f64::from(read.wake_ups);
    report.add(Figure::new(GROUP, "idle, of one processor", "%", vec![read.cpu()]));
    report.add(Figure::new(GROUP, "idle, wake-ups", "", vec![wake_ups]));
    let figure = format!("{wake_ups} in {} s", short(read.span_s));
    report.aim(
        "the view does not wake up when nothing comes",
        figure,
        read.wake_ups == 0,
    );
}

fn after_all(report: &mut Report, read: &Watched, attempts: u64) {
    let [resident, peak] = [read.resident_kb, read.peak_kb].map(|kb| f64::from(kb) / 1024.0);
    report.add(Figure::new(GROUP, "all read after", "s", vec![read.shown_s]));
    report.add(Figure::new(GROUP, "resident after all", "MiB", vec![resident]));
    report.add(Figure::new(GROUP, "  at its peak", "MiB", vec![peak]));
    let wanted = format!("the view has under {MEMORY} MiB in memory after {attempts} attempts");
    report.aim(&wanted, format!("{} MiB", short(peak)), peak < MEMORY);
}

fn first_frame(report: &mut Report, samples: Vec<f64>, attempts: u64) {
    let figure = report.add(Figure::new(GROUP, "first frame after", "s", samples));
    if let Some(figure) = figure {
        let last = figure.samples.iter().copied().fold(0.0, f64::max);
        let wanted = format!("the first frame of {attempts} attempts comes within {FIRST_FRAME} s");
        report.aim(&wanted, format!("{} s", short(last)), last < FIRST_FRAME);
    }
}
