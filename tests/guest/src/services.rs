//! Loads in a cgroup, as those of a service are.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::observed::report;

/// Options of the file system of cgroups, which all its mounts share: who mounts it without them takes them from everybody
/// (`apply_cgroup_root_flags`, kernel/cgroup/cgroup.c).
const MOUNT_OPTIONS: [&str; 2] = ["nsdelegate", "memory_recursiveprot"];

/// What makes them, in a cgroup of a file system that is mounted as systemd does it.
pub(crate) const COMMAND: &str = "
mkdir -p /tmp/cgroup
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /tmp/cgroup || exit
mkdir -p /tmp/cgroup/case.slice/case.service
cat >/tmp/services <<'END'
modprobe -r xfs 2>/dev/null
modprobe pcc_cpufreq 2>/dev/null
(
    echo 0 >/tmp/cgroup/case.slice/case.service/cgroup.procs
    grep '^0::' /proc/self/cgroup >/out/services.cgroup
    exec modprobe xfs
)
END
traced services record -o /out/services.kmt -- sh /tmp/services
grep cgroup2 /proc/mounts >/out/services.mounts
";

/// Checks that loads are told by the cgroup that the kernel says the task was in, and that tracing them changed nothing for who uses cgroups.
pub(crate) fn check(tool: &Path, out: &Path) -> Result<()> {
    let report = report(tool, &out.join("services.kmt"))?;
    let account = report.account.context("the report tells nothing of costs")?;
    let kernel = std::fs::read_to_string(out.join("services.cgroup")).context("nothing says where the task was")?;
    let inside = kernel.trim().strip_prefix("0::").context("no cgroup of version 2")?;
    let loads = |path: &str| {
        let rows = account.services.iter();
        let rows = rows.filter(|row| row.cgroup.as_deref() == Some(path));
        rows.map(|row| row.loads).sum::<u64>()
    };
    ensure!(inside == "/case.slice/case.service", "the task was in {inside}");
    ensure!(
        loads(inside) > 0 && loads("/") > 0 && loads(inside) + loads("/") == account.loads,
        "services: {account:?}"
    );
    let mounts = std::fs::read_to_string(out.join("services.mounts")).context("nothing says what is mounted")?;
    let kept = |line: &str| MOUNT_OPTIONS.iter().all(|option| line.contains(option));
    ensure!(
        mounts.lines().count() > 0 && mounts.lines().all(kept),
        "mounted now: {mounts}"
    );
    Ok(())
}
