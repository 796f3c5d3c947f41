//! How what a boot loads, and what tracing it takes, grows with the number of processors: each of them is a device with aliases of
//! its own, for which udev loads the same modules again.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use guest_vm::image::{Boot, Image};

use super::{BOOT, COLLECT, SMALL, agree::Agreement, booted_as, trace, tracer};
use crate::guest::Tally;
use crate::observed::{Attempt, Report, report};

/// Processors of the machines.
const CPUS: [u32; 4] = [4, 16, 32, 64];

/// Two processors emulate them all.
const TIMEOUT: Duration = Duration::from_mins(25);

/// Where sysfs has processors.
const OF_CPUS: &str = "/devices/system/cpu/";

/// Boots, and compares each with the kernel's trace. Gives how many calls were compared.
pub(super) fn run(tool: &Path, tally: &mut Tally) -> Result<usize> {
    let image = Image::make(SMALL.initramfs, &[tool], &[SMALL.enable, COLLECT].concat())?;
    tally.lines.push(
        "cpus  took  calls  of them for cpus  already there  waited  for, in all  requests  recording".to_owned(),
    );
    let mut agreed = 0;
    for cpus in CPUS {
        let name = format!("{cpus}-cpus");
        let boot = Boot {
            append: SMALL.append,
            cpus,
            timeout: TIMEOUT,
            ..BOOT
        };
        let (out, lasted) = booted_as(&image, &name, &boot, tally)?;
        let file = out.join("boot.kmt");
        let report = report(tool, &file)?;
        ensure!(report.quality.is_whole(), "{name}: {:?}", report.quality);
        let size = fs::metadata(&file).context("the guest left no recording")?.len();
        tally.lines.push(line(cpus, lasted, &report, size));
        tally.lines.push(tracer(&out, report.recording.began_ns));
        let text = fs::read_to_string(out.join("trace")).context("the guest left no trace")?;
        agreed += Agreement::of(&trace::parse(&text)?, &report).whole()?;
    }
    Ok(agreed)
}

fn line(cpus: u32, took: Duration, report: &Report, size: u64) -> String {
    let loads = &report.attempts;
    let count = |which: &dyn Fn(&&Attempt) -> bool| loads.iter().filter(which).count();
    let of_cpus = count(&|load| {
        let device = load.device.as_ref();
        device.is_some_and(|device| device.path.starts_with(OF_CPUS))
    });
    let account = report.account.as_ref();
    let already = account.map_or_else(|| "n/o".to_owned(), |account| account.already_there.to_string());
    let waited = count(&|load| !load.waits_for_loads().is_empty());
    let waits = loads.iter().flat_map(|load| load.waits_for_loads());
    let waits: u64 = waits.filter_map(|wait| wait.duration_ns).sum();
    format!(
        "{cpus:>4}{:>5}s{:>7}{of_cpus:>18}{already:>15}{waited:>8}{:>13.1}s{:>10}{:>8} KiB",
        took.as_secs(),
        loads.len(),
        Duration::from_nanos(waits).as_secs_f64(),
        report.requests.len(),
        size >> 10,
    )
}
