//! What it costs a load that its module's functions are probed.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use guest_vm::{artifacts, kernel::Kernel, paths::Scratch, vm::VmSpec};

use super::{
    Size,
    answer::{self, Answer, Block},
    figure::{Figure, Report},
};

/// What the guest does.
const SCRIPT: &str = include_str!("inside.sh");
/// Takes 20 functions of xfs of 6.1; how many of another kernel's is printed.
const SOME: &str = "xfs_*_cache";

const CYCLE: &str = "load and unload of xfs, its functions drilled";
const START: &str = "from exec to the traced command, its functions drilled";

/// Boots, runs and reckons.
pub(super) fn measure(kernel: Kernel, size: Size, report: &mut Report) -> Result<()> {
    let out = Scratch::new()?;
    let spec = spec(kernel, size, out.path())?;
    eprintln!("xtask: measuring drill, {} rounds", size.inside_rounds);
    let (_, answers) = answer::of_guest(&spec)?;
    let blocks: Vec<&Block> = answers
        .iter()
        .filter_map(|answer| match answer {
            Answer::Block(block) => Some(block),
            Answer::Storm(_) | Answer::Tracer(_) => None,
        })
        .collect();
    let said = fs::read_to_string(out.path().join("drill.said"))?;
    report.add(Figure::new(
        CYCLE,
        "untraced / untraced",
        "",
        answer::untraced_over_untraced(&blocks, Block::cycle),
    ));
    let counts = counts(&said)?;
    let under = || ["some", "all"].into_iter().zip(&counts);
    for (tracer, count) in under() {
        let name = format!("{count} functions / untraced");
        let ratios = answer::over_untraced(&blocks, tracer, Block::cycle);
        report.add(Figure::new(CYCLE, &name, "", ratios));
    }
    for (tracer, count) in under() {
        let seconds = answer::each(&blocks, Some(tracer), Block::attach);
        let seconds = seconds.iter().map(|ns| ns / 1e9).collect();
        report.add(Figure::new(START, &format!("{count} functions"), "s", seconds));
    }
    let whole = said
        .lines()
        .filter(|line| line.contains("lost "))
        .all(|line| line.contains("lost 0, missed 0"));
    let figure = if whole { "lost 0, missed 0" } else { "not so" };
    report.aim("nothing inside modules is lost or missed", figure.to_owned(), whole);
    Ok(())
}

/// How many functions were probed, each number once and in the order in which they came: `xfs: 20 of its 3674 functions; ...`.
fn counts(said: &str) -> Result<Vec<String>> {
    let numbers = said.lines().filter_map(|line| {
        let (_, rest) = line.split_once("xfs: ")?;
        let (number, rest) = rest.split_once(' ')?;
        rest.starts_with("of its ").then(|| number.to_owned())
    });
    let mut counts: Vec<String> = numbers.collect();
    counts.dedup();
    counts
        .first()
        .context("drill does not say how many functions it probes")?;
    Ok(counts)
}

fn spec(kernel: Kernel, size: Size, out: &Path) -> Result<VmSpec> {
    let Size {
        inside_rounds,
        all_rounds,
        ..
    } = size;
    let command = format!("ROUNDS={inside_rounds} ALL_ROUNDS={all_rounds} CYCLES=1 SOME='{SOME}'\n{SCRIPT}");
    let mut spec = VmSpec::new(kernel, command);
    spec.guest.programs = artifacts::guest_programs()?;
    // As in the tests of drill: code is patched that runs on the other processor.
    spec.by_turns = true;
    spec.timeout = Duration::from_hours(1);
    spec.out_dir = Some(out.to_owned());
    Ok(spec)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    #[test]
    fn counts_are_told_once() {
        let said = "kmodtrace: xfs: 20 of its 3674 functions; left out: 1 (odd)\nkmodtrace: xfs: no debugging information\n\
                    kmodtrace: xfs: 20 of its 3674 functions; left out: 1 (odd)\nkmodtrace: xfs: 2645 of its 3674 functions\n";
        assert_eq!(counts(said).unwrap(), ["20", "2645"]);
        assert!(counts("kmodtrace: lost 0").is_err());
    }
}
