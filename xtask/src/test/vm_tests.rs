//! What is tried on real kernels, each in guests of its own.

use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, anyhow};

use super::guest::Tally;
use super::observed::Report;
use super::{bad_input, drill, scenarios, selftest};
use crate::{fixtures, kernel::Kernel, process};

/// What runs in a guest of its own. An error is a guest that gave no result at all.
type Part = fn(&Kernel) -> Result<Tally>;

/// Runs everything on this kernel, the guests beside each other: they wait more than they compute.
pub(crate) fn run(kernel: &Kernel) -> Tally {
    let mut parts: Vec<(&str, Part)> = vec![
        ("scenarios", scenarios::run),
        ("bad input", bad_input::run),
        ("drill", drill::run),
    ];
    if kernel.name == fixtures::KERNEL {
        parts.push(("the kernel's test", selftest::run));
    }
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let running: Vec<_> = parts
            .iter()
            .map(|(name, part)| (name, scope.spawn(|| part(kernel))))
            .collect();
        for (name, part) in running {
            match part.join() {
                Ok(Ok(part)) => tally.add(part),
                Ok(Err(error)) => tally.failures.push(error.context(format!("no result of {name}"))),
                Err(_) => tally.failures.push(anyhow!("{name} panicked")),
            }
        }
    });
    tally
}

/// The report of a recording, by the tool itself: what its users read.
pub(crate) fn report(tool: &Path, recording: &Path) -> Result<Report> {
    let mut command = Command::new(tool);
    command
        .args(["report", "--format", "json", "--attempts", "--from"])
        .arg(recording);
    let text = process::text(&mut command)?;
    serde_json::from_str(&text).with_context(|| anyhow!("the report of {} is not as documented", recording.display()))
}
