//! The critical path in the report, against what `systemd-analyze critical-chain` says of the same boot.

use anyhow::{Context as _, Result, ensure};

use crate::observed::Report;

/// Compares the units of the path. Gives a line about them.
pub(super) fn check(report: &Report, chain: &str) -> Result<String> {
    let account = report.account.as_ref().context("the report tells nothing of costs")?;
    // What was before systemd is no unit.
    let (before, units) = account
        .critical
        .split_first()
        .context("the report has no critical path")?;
    let told: Vec<&str> = units.iter().rev().map(|row| row.unit.as_str()).collect();
    let systemd = first_branch(chain);
    ensure!(
        told == systemd,
        "the critical path is {told:?}, and by systemd {systemd:?}"
    );
    ensure!(
        account.critical.iter().any(|row| row.in_flight_ns > 0),
        "no load was in flight in all of it"
    );
    Ok(format!(
        "critical path: the {} units that systemd-analyze has, behind {} s of kernel and initramfs",
        units.len(),
        before.active_ns / 1_000_000_000
    ))
}

/// The units of the first branch of `graphical.target @2min` and, deeper line by line, `└─multi-user.target @2min +3s`.
fn first_branch(chain: &str) -> Vec<&str> {
    // Behind two sentences about the signs. What was active before systemd began has no time.
    let lines = chain.lines().skip_while(|line| !line.is_empty());
    let units = lines.filter_map(|line| {
        let name = line.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let depth = line.chars().count() - name.chars().count();
        Some((depth, name.split_whitespace().next()?))
    });
    let mut deepest = None;
    let deeper = units.take_while(|(depth, _)| {
        let is_deeper = deepest.is_none_or(|known| *depth > known);
        deepest = Some(*depth);
        is_deeper
    });
    deeper.map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_branch_is_read() {
        let chain = "The time when unit became active or started is printed after the \"@\" character.\n\
            The time the unit took to start is printed after the \"+\" character.\n\n\
            graphical.target @1min 2.3s\n└─multi-user.target @1min 2.3s\n  └─getty.target @59s\n    ├─getty@tty1.service @58s\n    \
            │ └─system.slice\n    │   └─-.slice\n    └─serial-getty@ttyS0.service @58s\n";
        assert_eq!(
            first_branch(chain),
            [
                "graphical.target",
                "multi-user.target",
                "getty.target",
                "getty@tty1.service",
                "system.slice",
                "-.slice"
            ]
        );
    }
}
