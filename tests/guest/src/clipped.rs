//! More attempts in flight than the BPF side has room for.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::observed::report;
use crate::{compare, oracle};

/// What makes it: `traced` is of the guest's command.
pub(crate) const COMMAND: &str = "
traced clipped record --max-in-flight 4 -o /out/clipped.kmt -- load-driver copies --log /out/clipped.log
";

/// What that leaves room for.
const ROOM: u64 = 4;

/// Every call is still seen with its errno, and those without room are counted.
pub(crate) fn check(tool: &Path, out: &Path) -> Result<()> {
    let scenarios = oracle::read(&out.join("clipped.log"))?;
    let report = report(tool, &out.join("clipped.kmt"))?;
    let calls = scenarios
        .first()
        .context("clipped: the driver ran nothing")?
        .calls
        .iter();
    let loads: Vec<_> = calls.filter(|call| call.syscall != "delete_module").collect();
    for call in &loads {
        let attempt = compare::find(call, &report.attempts.iter().collect::<Vec<_>>());
        let (_, attempt) = attempt.context("clipped")?;
        ensure!(attempt.errno == call.errno, "clipped: {call:?} seen as {attempt:?}");
    }
    let clipped = report.quality.clipped;
    let beyond = loads.len() as u64 - ROOM;
    ensure!(clipped == beyond, "clipped: {clipped} counted, {beyond} had no room");
    Ok(())
}
