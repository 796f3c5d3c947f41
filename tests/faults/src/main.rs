//! Fails, kills and cuts the power of kmodtrace where it writes, and checks what can be read afterwards.
//!
//! It runs in a folder of its own, which it fills: with a static kmodtrace on PATH it needs strace and nothing else. What traces or makes
//! file systems, it does as root of a guest. Of each case it says in a line what held, or what did not.

mod bisect;
mod boots;
mod fault;
mod killed;
mod power;
mod random;
mod record;
mod said;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

const USAGE: &str = "usage: faults RECORDING ROUNDS CASE...
RECORDING has an init function that failed; ROUNDS is how often what happens at random instants is tried. Cases:
  bisect  calls of `bisect start` and `bisect step` that fail, or at which they are killed, one after the other
  boots   the same of `boot keep`
  record  the same of `record`
  killed  `record`, killed at random instants while calls are made every few milliseconds
  power   a disk that loses what was not synced, at random instants of `bisect`, `record` and `boot keep`";

/// What the cases have to go on.
struct Given {
    /// A recording in which an init function failed.
    recording: PathBuf,
    rounds: u32,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [recording, rounds, cases @ ..] = words.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut status = ExitCode::SUCCESS;
    for case in cases {
        let begun = Instant::now();
        match run(recording, rounds, case) {
            Ok(held) => println!("ok {case}: {held}; {} s", begun.elapsed().as_secs()),
            Err(error) => {
                println!("not ok {case}: {error:#}");
                status = ExitCode::FAILURE;
            }
        }
    }
    status
}

/// Tries a case: what held.
fn run(recording: &str, rounds: &str, case: &str) -> Result<String> {
    let given = Given {
        recording: PathBuf::from(recording)
            .canonicalize()
            .with_context(|| format!("no {recording}"))?,
        rounds: rounds.parse().with_context(|| format!("{rounds:?} is no number"))?,
    };
    match case {
        "bisect" => bisect::run(&given),
        "boots" => boots::run(&given),
        "record" => record::run(&given),
        "killed" => killed::run(&given),
        "power" => power::run(&given),
        _ => bail!("no such case\n{USAGE}"),
    }
}
