//! What the tracer may do while it traces, and what the command that it traces may: as the kernel tells of both.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::observed::report;

/// What makes it. Only the kernel's own trace tells of Landlock.
pub(crate) const COMMAND: &str = "
mount -t securityfs securityfs /sys/kernel/security
cp /sys/kernel/security/lsm /out/privileges.lsm
event=/sys/kernel/tracing/events/syscalls/sys_exit_landlock_restrict_self
[ ! -e $event ] || echo 1 >$event/enable
cat >/tmp/privileges <<'END'
cat /proc/self/status >/out/privileges.command
cat /proc/self/limits >>/out/privileges.command
for turn in $(seq 100); do
    grep -q 'NoNewPrivs:.*1' /proc/$PPID/status && break
    sleep 0.1
done
cat /proc/$PPID/task/*/status >/out/privileges.tracer
modprobe dummy && rmmod dummy
END
cat /proc/self/status >/out/privileges.before
cat /proc/self/limits >>/out/privileges.before
traced privileges record -o /out/privileges.kmt -- sh /tmp/privileges
cp /sys/kernel/tracing/trace /out/privileges.trace
[ ! -e $event ] || echo 0 >$event/enable
";

/// `CAP_KILL` and `CAP_BPF` (include/uapi/linux/capability.h): to end the command, and to read maps at the end.
const KEPT: u64 = 1 << 5 | 1 << 39;

/// What is the same before and in the command.
const COMMANDS: [&str; 9] = [
    "Uid:",
    "Gid:",
    "CapInh:",
    "CapPrm:",
    "CapEff:",
    "CapBnd:",
    "CapAmb:",
    "NoNewPrivs:",
    "Max ",
];

/// Checks that the command had all that the tracer was started with, that the tracer had given up what it does not need in each of its threads, and that
/// it recorded to the end all the same.
pub(crate) fn check(tool: &Path, out: &Path) -> Result<()> {
    let read = |name: &str| {
        let path = out.join(format!("privileges.{name}"));
        fs::read_to_string(&path).with_context(|| format!("the guest left no {}", path.display()))
    };
    let (before, command, tracer) = (read("before")?, read("command")?, read("tracer")?);
    let told = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| COMMANDS.iter().any(|name| line.starts_with(name)));
        lines.map(str::to_owned).collect()
    };
    ensure!(
        told(&before).len() > COMMANDS.len() && told(&before) == told(&command),
        "the command has {:?} instead of {:?}",
        told(&command),
        told(&before)
    );
    let values = |name: &str| -> Vec<String> {
        let values = tracer.lines().filter_map(|line| line.strip_prefix(name));
        values.map(|value| value.trim().to_owned()).collect()
    };
    for name in ["CapPrm:", "CapEff:"] {
        let sets = values(name);
        let given_up = |set: &String| u64::from_str_radix(set, 16) == Ok(KEPT);
        ensure!(!sets.is_empty() && sets.iter().all(given_up), "{name} {sets:?}");
    }
    ensure!(values("NoNewPrivs:").iter().all(|value| value == "1"), "{tracer}");
    if read("lsm")?.split(',').any(|lsm| lsm.trim() == "landlock") {
        let trace = read("trace")?;
        let mut ours = trace.lines().filter(|line| line.trim_start().starts_with("kmodtrace-"));
        ensure!(
            ours.any(|line| line.ends_with("sys_landlock_restrict_self -> 0x0")),
            "Landlock was not asked for: {trace}"
        );
    }
    let report = report(tool, &out.join("privileges.kmt"))?;
    ensure!(
        report.quality.is_whole() && report.attempts.len() == 1 && report.unloads.len() == 1,
        "{:?}: {} loads, {} unloads",
        report.quality,
        report.attempts.len(),
        report.unloads.len()
    );
    Ok(())
}
