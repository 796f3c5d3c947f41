//! Stock modules: of which some find no hardware, and one is loaded well.

use anyhow::{Context as _, Result, bail, ensure};

use super::{Seen, load::Node};
use crate::observed::Why;

pub(super) const SCRIPT: &str = include_str!("stock.sh");

/// A module without hardware in a guest, and its init function, which fails.
const FAILS: &str = "acpi_cpufreq";
const INIT: &str = "acpi_cpufreq_init";

/// Where the kernel lacks what drill needs: one line that says why.
pub(super) fn refused(seen: &Seen<'_>) -> Result<()> {
    seen.ended("cpufreq", 69)?;
    let said = seen.file("cpufreq.err")?;
    let last = said.lines().last().unwrap_or_default();
    ensure!(last.contains("bpf_get_attach_cookie, Linux 5.15"), "{said}");
    ensure!(seen.file("cpufreq.events")?.is_empty(), "events are left");
    Ok(())
}

/// What is told of each load, live, of the recording, and by `why`.
pub(super) fn check(seen: &Seen<'_>) -> Result<()> {
    // The status is that of modprobe.
    seen.ended("cpufreq", 1)?;
    let loads = seen.loads("cpufreq")?;
    let [load] = &loads[..] else {
        bail!("not one load: {loads:?}")
    };
    let path = load.errno_path();
    let outermost = path.first().context("no call returned the errno")?;
    ensure!(load.is(FAILS, "ENODEV") && outermost.function == INIT, "{load:?}");
    let quality = seen.quality("cpufreq")?;
    ensure!(quality.lost == 0, "{quality:?}");
    seen.ended("replayed", 0)?;
    ensure!(
        seen.file("replayed.json")? == seen.file("cpufreq.json")?,
        "the recording is told in another way"
    );
    seen.ended("two", 1)?;
    let two = seen.loads("two")?;
    ensure!(
        [FAILS, "pcc_cpufreq"]
            .iter()
            .all(|name| two.iter().any(|load| load.is(name, "ENODEV"))),
        "{two:?}"
    );
    seen.ended("xfs", 0)?;
    let xfs = seen.loads("xfs")?;
    let loaded = xfs.iter().find(|load| load.is("xfs", "OK")).context("no load of xfs")?;
    let timed = |call: &Node| call.duration_ns > Some(0) && call.asleep_ns.is_some();
    ensure!(
        loaded
            .all()
            .iter()
            .any(|call| call.function == "init_xfs_fs" && call.returned == "0" && timed(call)),
        "{loaded:?}"
    );
    seen.ended("again", 0)?;
    ensure!(seen.loads("again")?.is_empty(), "a load that was none");
    seen.ended("nobody", 1)?;
    ensure!(seen.file("nobody.err")?.lines().count() == 1, "more than a line");
    seen.ended("recorded", 1)?;
    // The maker stands behind the way.
    let maker = load.sentences.first().and_then(|sentence| sentence.rsplit(';').next());
    let maker = maker.context("no sentence about the errno")?;
    let why: Why = seen.json("why.json")?;
    let mut told = why.causes.iter().flat_map(|reason| &reason.sentences);
    ensure!(
        told.any(|sentence| sentence.contains(maker)),
        "why does not say \"{maker}\": {why:?}"
    );
    Ok(())
}
