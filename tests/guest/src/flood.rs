//! Loads of root's beside a flood of calls by somebody who may not make them.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::observed::{Attempt, report};

/// Cycles of root's while it lasts.
const CYCLES: usize = 8;

/// What makes it: the flood ends after the last cycle.
pub(crate) const COMMAND: &str = "
cat >/tmp/flood <<'END'
modprobe -r dummy 2>/dev/null
flood 8 6 >/out/flood.calls &
for cycle in 1 2 3 4 5 6 7 8; do
    modprobe dummy && rmmod dummy && echo $cycle >>/out/flood.cycles
done
wait
END
traced flood record -o /out/flood.kmt -- sh /tmp/flood
";

/// What `flood` said of itself.
#[derive(Deserialize)]
struct Flooded {
    uid: u32,
    calls: u64,
}

/// Checks that root's loads are all there, that each call of the flood is recorded or counted, and that few are recorded.
pub(crate) fn check(tool: &Path, out: &Path) -> Result<()> {
    /// Rows that the flood may have in six seconds, and as many more for a machine that is late: [`kmodtrace_common`] has 64 a second.
    const MOST: usize = 1_000;
    let report = report(tool, &out.join("flood.kmt"))?;
    let said = fs::read_to_string(out.join("flood.calls")).context("the flood left nothing")?;
    let flooded: Flooded = serde_json::from_str(&said).with_context(|| format!("the flood said {said:?}"))?;
    let cycles = fs::read_to_string(out.join("flood.cycles")).context("root loaded nothing")?;
    ensure!(cycles.lines().count() == CYCLES, "root's cycles: {cycles:?}");
    ensure!(
        report.quality.is_whole(),
        "the recording is not whole: {:?}",
        report.quality
    );
    let done = |attempts: &[Attempt]| {
        let dummy = |attempt: &&Attempt| attempt.module.as_deref() == Some("dummy") && attempt.errno == Some(0);
        attempts.iter().filter(dummy).count()
    };
    let seen = (done(&report.attempts), done(&report.unloads));
    ensure!(seen == (CYCLES, CYCLES), "root's loads and unloads: {seen:?}");
    let all = report.attempts.iter().chain(&report.unloads);
    let recorded = all.filter(|attempt| attempt.uid == Some(flooded.uid)).count();
    let counted = report.quality.refused.iter().filter(|row| row.uid == Some(flooded.uid));
    let counted: u64 = counted.map(|row| row.calls).sum();
    ensure!(
        recorded as u64 + counted == flooded.calls,
        "{} calls: {recorded} recorded, {counted} counted",
        flooded.calls
    );
    ensure!(
        recorded <= MOST && counted > 0,
        "{recorded} recorded, {counted} counted"
    );
    Ok(())
}
