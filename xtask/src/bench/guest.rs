//! The run in the guest, and what its answers add up to.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use guest_vm::{
    artifacts,
    kernel::Kernel,
    paths::{self, Scratch},
    vm::VmSpec,
};

use super::{
    Size,
    answer::{self, Answer, Block, Pick, Storm, Tracer},
    figure::{Figure, Report, short, spread},
};
use std::time::Duration;

/// What the guest does.
const SCRIPT: &str = include_str!("guest.sh");
/// Tasks of a storm.
const TASKS: u32 = 64;
/// Both tracers, as the script calls them.
const OURS: &str = "kmodtrace";
const THEIRS: &str = "bpftrace";

const CYCLE: &str = "load and unload of dummy";
const JUNK: &str = "finit_module of what is no module";
const LIVE: &str = "finit_module of a module that is LIVE";
const REQUEST: &str = "a request of the kernel, answered by modprobe with nothing";
/// Families of probes as the script calls them.
const FAMILIES: [&str; 6] = [
    "with none",
    "with mutex",
    "with rcu",
    "with printk",
    "with stacks",
    "with all",
];
/// What tracing may cost, over untraced: with everything on, and the shortest call.
const MOST: f64 = 1.10;
const MOST_OF_THE_SHORTEST: f64 = 1.15;
/// How long attaching may take, over bpftrace's time.
const START_OVER_THEIRS: f64 = 0.15;
/// How long detaching may take, in seconds: where the links share a shutdown that waits for nobody, and elsewhere.
const STOP_AT_ONCE: f64 = 0.2;
const STOP_ELSEWHERE: f64 = 1.0;
const START: &str = "from exec to the traced command's first instruction, everything attached";
const STOP: &str = "from the end of the traced command to the tracer's, everything detached";
const MEMORY: &str = "resident memory";
const STORM: &str = "storms of 64 tasks";

/// Boots, runs and reckons.
pub(super) fn measure(kernel: Kernel, size: Size, cpus: u32, detaches_at_once: bool) -> Result<Report> {
    let out = Scratch::new()?;
    let mut spec = spec(kernel, size, out.path())?;
    spec.smp = cpus;
    eprintln!(
        "xtask: measuring on {}: {} rounds in one boot",
        spec.kernel.release, size.rounds
    );
    let (release, answers) = answer::of_guest(&spec)?;
    let probes = |tracer| fs::read_to_string(out.path().join(format!("{tracer}.probes"))).unwrap_or_default();
    let mut report = Report::of(format!(
        "What tracing costs on {}, {} emulated processors: kmodtrace with {} probes, bpftrace with {}",
        release,
        spec.smp,
        probes(OURS).trim(),
        probes(THEIRS).trim()
    ));
    let mut all = Answers::default();
    for answer in &answers {
        match answer {
            Answer::Block(block) => all.blocks.push(block),
            Answer::Storm(storm) => all.storms.push(storm),
            Answer::Tracer(tracer) => all.tracers.push(tracer),
        }
    }
    all.ratios(&mut report);
    all.families(&mut report);
    all.times(&mut report, detaches_at_once);
    all.memory(&mut report);
    all.losses(&mut report, out.path())?;
    Ok(report)
}

fn spec(kernel: Kernel, size: Size, out: &Path) -> Result<VmSpec> {
    let Size {
        rounds,
        family_rounds,
        cycles,
        calls,
        requests,
        storms,
        ..
    } = size;
    let command = format!(
        "ROUNDS={rounds} FAMILY_ROUNDS={family_rounds} CYCLES={cycles} CALLS={calls} REQUESTS={requests} TASKS={TASKS} STORMS={storms}\n{SCRIPT}"
    );
    let mut spec = VmSpec::new(kernel, command);
    spec.guest.programs = artifacts::guest_programs()?;
    spec.guest.programs.extend(paths::program(THEIRS));
    let probes = paths::workspace().join("xtask/src/bench/probes.bt");
    spec.guest.copies.push((probes, "root/probes.bt".to_owned()));
    // bpftrace's libraries alone are 200 MB.
    "2G".clone_into(&mut spec.memory);
    spec.timeout = Duration::from_hours(1);
    spec.out_dir = Some(out.to_owned());
    Ok(spec)
}

/// The answers, in the order in which they came.
#[derive(Default)]
struct Answers<'a> {
    blocks: Vec<&'a Block>,
    storms: Vec<&'a Storm>,
    tracers: Vec<&'a Tracer>,
}

impl Answers<'_> {
    fn ratios(&self, report: &mut Report) {
        let [_, untraced, ours, _] = self.ratios_of(report, CYCLE, Block::cycle);
        if let (Some(untraced), Some(ours)) = (untraced, ours) {
            let (_, high) = spread(&untraced.samples);
            let figure = format!("{}, untraced/untraced is up to {}", short(ours.median), short(high));
            report.aim(
                "load and unload cannot be told from untraced ones",
                figure,
                ours.median <= high,
            );
        }
        self.ratios_of(report, REQUEST, Block::request);
        let [_, _, ours, _] = self.ratios_of(report, JUNK, Block::junk);
        if let Some(ours) = &ours {
            report.aim(
                "the shortest call, a load of what is no module, takes at most 1.15 times as long",
                short(ours.median),
                ours.median <= MOST_OF_THE_SHORTEST,
            );
        }
        let [_, _, ours, theirs] = self.ratios_of(report, LIVE, Block::live);
        if let Some(ours) = &ours {
            report.aim(
                "a load of a LIVE module takes at most 1.10 times as long",
                short(ours.median),
                ours.median <= 1.10,
            );
        }
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            let figure = format!("{}, {}", short(ours.median), short(theirs.median));
            report.aim("and less than under bpftrace", figure, ours.median < theirs.median);
        }
    }

    fn ratios_of(&self, report: &mut Report, group: &'static str, pick: Pick) -> [Option<Figure>; 4] {
        let blocks = &self.blocks;
        let ms = answer::each(blocks, None, pick).iter().map(|ns| ns / 1e6).collect();
        let ratio = |tracer| answer::over_untraced(blocks, tracer, pick);
        [
            report.add(Figure::new(group, "untraced, block medians", "ms", ms)),
            report.add(Figure::new(
                group,
                "untraced / untraced",
                "",
                answer::untraced_over_untraced(blocks, pick),
            )),
            report.add(Figure::new(group, "kmodtrace / untraced", "", ratio(OURS))),
            report.add(Figure::new(group, "bpftrace / untraced", "", ratio(THEIRS))),
        ]
    }

    /// Each optional family of probes alone, beside none of them and all.
    fn families(&self, report: &mut Report) {
        let works: [(&'static str, Pick); 4] = [
            (CYCLE, Block::cycle),
            (JUNK, Block::junk),
            (LIVE, Block::live),
            (REQUEST, Block::request),
        ];
        for (work, pick) in works {
            for family in FAMILIES {
                let ratios = answer::over_untraced(&self.blocks, family, pick);
                let figure = report.add(Figure::new(work, &format!("{family} / untraced"), "", ratios));
                if let Some(figure) = figure.filter(|_| family == "with all" && work != JUNK) {
                    let wanted = format!("with everything on at most {MOST} over untraced: {work}");
                    report.aim(&wanted, short(figure.median), figure.median <= MOST);
                }
            }
        }
        for family in FAMILIES {
            let seconds = answer::each(&self.blocks, Some(family), Block::attach);
            let seconds = seconds.iter().map(|ns| ns / 1e9).collect();
            report.add(Figure::new(START, family, "s", seconds));
        }
    }

    fn times(&self, report: &mut Report, at_once: bool) {
        let seconds = |ns: Vec<f64>| ns.iter().map(|ns| ns / 1e9).collect();
        let [ours, theirs] = [OURS, THEIRS].map(|tracer| {
            let samples = seconds(answer::each(&self.blocks, Some(tracer), Block::attach));
            report.add(Figure::new(START, tracer, "s", samples))
        });
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            let figure = format!(
                "{} s, {} s: {}",
                short(ours.median),
                short(theirs.median),
                short(ours.median / theirs.median)
            );
            report.aim(
                "attaches in 0.15 of bpftrace's time",
                figure,
                ours.median <= theirs.median * START_OVER_THEIRS,
            );
        }
        let [ours, _] = [OURS, THEIRS].map(|name| {
            let ended = self.tracers.iter().filter(|tracer| tracer.name == name);
            let samples = ended.filter_map(|tracer| self.blocks.iter().find_map(|block| block.detach(tracer)));
            report.add(Figure::new(STOP, name, "s", seconds(samples.collect())))
        });
        if let Some(ours) = ours {
            let most = if at_once { STOP_AT_ONCE } else { STOP_ELSEWHERE };
            let wanted = format!("detaches within {most} s");
            report.aim(&wanted, format!("{} s", short(ours.median)), ours.median <= most);
        }
    }

    fn memory(&self, report: &mut Report) {
        let mib = |kb: u32| f64::from(kb) / 1024.0;
        for name in [OURS, THEIRS] {
            let attached = self.blocks.iter().filter(|block| block.tracer.as_deref() == Some(name));
            let attached = attached.map(|block| mib(block.memory[0].resident_kb)).collect();
            let attached = report.add(Figure::new(MEMORY, &format!("{name}, attached"), "MiB", attached));
            let storms = || self.storms.iter().filter(|storm| storm.tracer.as_deref() == Some(name));
            let after = storms().map(|storm| mib(storm.memory[1].resident_kb)).collect();
            let after = report.add(Figure::new(MEMORY, &format!("{name}, after the storms"), "MiB", after));
            let peak = storms().map(|storm| mib(storm.memory[1].peak_kb)).collect();
            report.add(Figure::new(MEMORY, &format!("{name}, at its peak"), "MiB", peak));
            if let (OURS, Some(attached), Some(after)) = (name, attached, after) {
                let most = attached.median.max(after.median);
                report.aim("16 MiB resident", format!("{} MiB", short(most)), most <= 16.0);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "some thousand calls")]
    fn losses(&self, report: &mut Report, out: &Path) -> Result<()> {
        let said = fs::read_to_string(out.join("kmodtrace.said"))?;
        let lost = said.lines().map(lost).sum::<Option<u64>>();
        let lost = lost.context("kmodtrace's summary is not as expected")?;
        report.add(Figure::new(STORM, "kmodtrace, lost or missed", "", vec![lost as f64]));
        let wanted = "nothing is lost, in storms of 64 tasks and in all blocks";
        report.aim(wanted, lost.to_string(), lost == 0);
        if let Ok(shown) = fs::read_to_string(out.join("bpftrace.calls")) {
            let shown: u64 = shown.lines().filter_map(|line| line.parse::<u64>().ok()).sum();
            let missing = self.calls_under(THEIRS).abs_diff(shown) as f64;
            report.add(Figure::new(STORM, "bpftrace, calls not shown", "", vec![missing]));
        }
        let storms = self.storms.iter().filter(|storm| storm.tracer.as_deref() == Some(OURS));
        let calls: u64 = storms.map(|storm| storm.calls).sum();
        report.add(Figure::new(STORM, "system calls recorded", "", vec![calls as f64]));
        let recording = fs::read(out.join("storm.kmt"))?;
        // Each of the header's two frames has its length behind its magic number.
        let frame = |at: usize| {
            let length = recording.get(at + 4..at + 8).and_then(|length| length.try_into().ok());
            8 + length.map_or(0, u32::from_le_bytes) as usize
        };
        let header = (frame(0) + frame(frame(0))) as f64;
        let each = (recording.len() as f64 - header) / calls as f64;
        report.add(Figure::new(STORM, "recording, for each call", "B", vec![each]));
        report.add(Figure::new(STORM, "recording, its header", "B", vec![header]));
        Ok(())
    }

    /// System calls made under a tracer, in blocks and storms.
    fn calls_under(&self, name: &str) -> u64 {
        let blocks = self.blocks.iter().map(|block| (&block.tracer, block.calls));
        let storms = self.storms.iter().map(|storm| (&storm.tracer, storm.calls));
        let under = blocks
            .chain(storms)
            .filter(|(tracer, _)| tracer.as_deref() == Some(name));
        under.map(|(_, calls)| calls).sum()
    }
}

/// What a summary such as `...; lost 0, missed 0, clipped 0` adds up to.
fn lost(line: &str) -> Option<u64> {
    let (_, counts) = line.rsplit_once("; ")?;
    counts
        .split(", ")
        .map(|count| count.split_once(' ')?.1.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::lost;

    #[test]
    fn summaries_add_up() {
        assert_eq!(
            lost("kmodtrace: 58 system calls, 504 records in /tmp/x; lost 1, missed 20, clipped 300"),
            Some(321)
        );
        assert_eq!(lost("kmodtrace: cannot"), None);
    }
}
