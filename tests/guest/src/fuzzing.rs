//! Targets of `tests/fuzz` under libFuzzer.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use fuzz::{TARGETS, Target};
use guest_vm::{artifacts, process};

use crate::guest::{Tally, fresh};

/// What a run of a target may take: MiB of memory, and seconds for an input.
const MEMORY: u32 = 2048;
const SECONDS_AN_INPUT: u32 = 10;

/// How long a target is run.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// So often as its table says, with the same seed and from the same inputs each time.
    Fixed,
    /// So many seconds, with another seed each time, and from what was found before.
    Seconds(u32),
}

/// What came of a target.
#[derive(Clone, Debug)]
pub struct Fuzzed {
    name: &'static str,
    executions: u64,
    took: Duration,
    /// Places in the code that inputs came by.
    edges: u64,
    /// What went wrong, in the words of the program, and the input that it was; none where nothing did.
    pub finding: Option<String>,
}

/// The part of the gate.
pub(crate) fn run() -> Result<Tally> {
    let program = Fuzzer::build()?;
    let mut tally = Tally::default();
    for target in TARGETS {
        let fuzzed = program.run(target, Extent::Fixed)?;
        tally.lines.push(fuzzed.to_string());
        let result = fuzzed.finding.map_or(Ok(0), |finding| Err(anyhow::anyhow!(finding)));
        tally.scenario(target.name, result);
    }
    Ok(tally)
}

/// The targets of this name, which may be `all`.
pub fn choose(name: &str) -> Result<Vec<&'static Target>> {
    let chosen: Vec<_> = TARGETS
        .iter()
        .filter(|target| name == "all" || target.name == name)
        .collect();
    if chosen.is_empty() {
        bail!("no target is called {name:?}; --list prints all names");
    }
    Ok(chosen)
}

/// The program with all targets.
#[derive(Debug)]
pub struct Fuzzer {
    program: PathBuf,
    folder: PathBuf,
}

impl Fuzzer {
    /// Builds it.
    pub fn build() -> Result<Self> {
        Ok(Self {
            program: artifacts::fuzzer()?,
            folder: artifacts::target_dir()?.join("fuzzing"),
        })
    }

    /// Runs a target until something is wrong, or it has run long enough.
    pub fn run(&self, target: &Target, extent: Extent) -> Result<Fuzzed> {
        let folder = self.folder.join(target.name);
        let (seeds, findings) = (folder.join("seeds"), folder.join("findings"));
        write_seeds(target, &seeds)?;
        fs::create_dir_all(&findings).with_context(|| format!("cannot make {}", findings.display()))?;
        let (inputs, how) = match extent {
            Extent::Fixed => (folder.join("fixed"), format!("-seed=1 -runs={}", target.runs)),
            Extent::Seconds(seconds) => (folder.join("inputs"), format!("-max_total_time={seconds}")),
        };
        match extent {
            Extent::Fixed => fresh(&inputs)?,
            Extent::Seconds(_) => fs::create_dir_all(&inputs)?,
        }
        let mut command = process::command(&self.program, how.split(' '));
        command
            .arg(format!("-max_len={}", target.longest))
            .arg(format!("-rss_limit_mb={MEMORY}"))
            .arg(format!("-timeout={SECONDS_AN_INPUT}"))
            .arg(format!("-artifact_prefix={}/", findings.display()))
            // Which inputs are worth more is reckoned anew all the time, and took a third of the time of a run.
            .args(["-entropic=0", "-print_final_stats=1"])
            .args([&inputs, &seeds])
            .env("FUZZ_TARGET", target.name)
            .stdin(Stdio::null());
        let begin = Instant::now();
        let output = command.output().context("cannot run the fuzzer")?;
        let said = String::from_utf8_lossy(&output.stderr);
        Ok(Fuzzed {
            name: target.name,
            executions: last_number(&said, "stat::number_of_executed_units:"),
            took: begin.elapsed(),
            edges: last_number(&said, " cov:"),
            finding: (!output.status.success()).then(|| self.finding(target, &said)),
        })
    }

    /// What the program said when it ended, without what it always says, and how to have the same again.
    fn finding(&self, target: &Target, said: &str) -> String {
        const ALWAYS: [&str; 7] = ["#", "INFO", "WARNING", "NOTE", "      Combine", "\tNEW_FUNC", "stat::"];
        let is_news = |line: &&str| !line.is_empty() && !ALWAYS.iter().any(|begin| line.starts_with(begin));
        let lines: Vec<_> = said.lines().filter(is_news).collect();
        let again = format!(
            "FUZZ_TARGET={} {} INPUT runs one again",
            target.name,
            self.program.display()
        );
        format!("{}\n{again}", lines.join("\n"))
    }
}

impl fmt::Display for Fuzzed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            executions,
            took,
            edges,
            finding,
        } = self;
        let milliseconds = took.as_millis().max(1);
        let a_second = u128::from(*executions) * 1000 / milliseconds;
        let findings = u8::from(finding.is_some());
        write!(
            f,
            "fuzz {name}: {executions} executions, {a_second} a second, {edges} edges, {findings} findings"
        )
    }
}

fn write_seeds(target: &Target, folder: &Path) -> Result<()> {
    fresh(folder)?;
    for (number, seed) in (target.seeds)().into_iter().enumerate() {
        fs::write(folder.join(format!("{number:03}")), seed)?;
    }
    Ok(())
}

/// The number behind the last place of a word; 0 where there is none, as where the program ended before it counted.
fn last_number(text: &str, word: &str) -> u64 {
    let behind = text.rsplit_once(word).map_or("", |(_, behind)| behind).trim_start();
    let digits = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
    behind[..digits].parse().unwrap_or(0)
}
