//! Metrics that are scraped while modules are loaded, beside a flood of calls by somebody who may not make them.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// Cycles of root's, and a scrape after each.
const CYCLES: usize = 8;

/// What makes it.
pub(crate) const COMMAND: &str = "
ip link set lo up
cat >/tmp/served <<'END'
modprobe -r dummy 2>/dev/null
flood 8 4 >/out/served.calls &
for cycle in 1 2 3 4 5 6 7 8; do
    modprobe dummy && rmmod dummy && echo $cycle >>/out/served.cycles
    wget -q -O - http://127.0.0.1:10087/metrics | grep -c '^kmodtrace_' >>/out/served.scrapes
done
wait
sleep 1
wget -q -O /out/served.metrics http://127.0.0.1:10087/metrics
END
traced served serve -- sh /tmp/served
";

/// What `flood` said of itself.
#[derive(Deserialize)]
struct Flooded {
    calls: u64,
}

/// Checks that each scrape was answered, and that the last one has every call of root's, and those of the flood.
pub(crate) fn check(_: &Path, out: &Path) -> Result<()> {
    let read = |name: &str| {
        let path = out.join(format!("served.{name}"));
        fs::read_to_string(&path).with_context(|| format!("the guest left no {}", path.display()))
    };
    let (cycles, scrapes, metrics) = (read("cycles")?, read("scrapes")?, read("metrics")?);
    ensure!(cycles.lines().count() == CYCLES, "root's cycles: {cycles:?}");
    let answered = scrapes.lines().filter(|line| *line != "0").count();
    ensure!(answered == CYCLES, "lines of each scrape: {scrapes:?}");
    let flooded: Flooded = serde_json::from_str(&read("calls")?).context("the flood said something else")?;
    let sum = |name: &str, labels: &[&str]| -> u64 {
        let samples = metrics.lines().filter_map(|line| line.strip_prefix(name));
        let of = samples.filter(|line| line.starts_with(['{', ' ']) && labels.iter().all(|label| line.contains(label)));
        of.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
    };
    let dummy = [r#"module="dummy""#, r#"outcome="OK""#];
    let refused = [r#"outcome="EPERM""#];
    let seen = [
        ("loads", sum("kmodtrace_loads_total", &dummy), CYCLES as u64),
        ("unloads", sum("kmodtrace_unloads_total", &dummy), CYCLES as u64),
        ("lost records", sum("kmodtrace_lost_records_total", &[]), 0),
        ("in flight", sum("kmodtrace_in_flight", &[r#"call="load""#]), 0),
    ];
    for (what, seen, made) in seen {
        ensure!(
            seen == made,
            "{what}: {seen} in the metrics, {made} were made: {metrics}"
        );
    }
    let flood = ["loads", "unloads"].map(|call| sum(&format!("kmodtrace_{call}_total"), &refused));
    let flood = flood.iter().sum::<u64>() + sum("kmodtrace_refused_calls_total", &[]);
    // What came in the last tenth of a second is told with the next call of that user, or at the end.
    ensure!(
        flood <= flooded.calls && flood > flooded.calls / 2,
        "the flood's calls: {flood} in the metrics, {} were made",
        flooded.calls
    );
    Ok(())
}
