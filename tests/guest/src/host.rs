//! What runs here: cargo, for format, lints and tests, and for the programs of guests.

use anyhow::{Context as _, Result, anyhow};
use guest_vm::{artifacts, paths, process};

use crate::guest::Tally;

pub(crate) fn format() -> Result<Tally> {
    cargo("format", &["fmt", "--all", "--check"])
}

/// The BPF crate is compiled, with its own compiler, by kmodtrace's build script.
pub(crate) fn lints() -> Result<Tally> {
    let which = ["clippy", "--workspace", "--exclude", "kmodtrace-ebpf"];
    let how = ["--quiet", "--all-targets", "--keep-going", "--", "--deny", "warnings"];
    cargo("lints", &[&which[..], &how].concat())
}

pub(crate) fn tests() -> Result<Tally> {
    cargo("tests", &["test", "--quiet", "--no-fail-fast"])
}

/// Builds what all guests get, so that no guest waits for it.
pub(crate) fn programs() -> Result<Tally> {
    artifacts::guest_programs()?;
    Ok(Tally::passed())
}

/// Runs cargo. Its output is the part's.
fn cargo(name: &str, arguments: &[&str]) -> Result<Tally> {
    let mut command = process::command(env!("CARGO"), arguments);
    command.current_dir(paths::workspace());
    let output = command.output().context("cannot run cargo")?;
    let mut tally = Tally::default();
    for stream in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(stream);
        tally.lines.extend(text.lines().map(str::to_owned));
    }
    let result = if output.status.success() {
        Ok(0)
    } else {
        Err(anyhow!("{} failed ({})", process::shown(&command), output.status))
    };
    tally.scenario(name, result);
    Ok(tally)
}
