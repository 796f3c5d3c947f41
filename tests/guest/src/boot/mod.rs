//! The boot of a whole Debian system, recorded from its initramfs on. The oracle is the kernel's own trace of the same boot.

mod agree;
mod before;
mod cost;
mod cpus;
mod critical;
mod devices;
mod faults;
mod once;
mod trace;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use agree::{Agreement, COLUMNS};
use anyhow::{Context as _, Result, ensure};
use guest_vm::{
    artifacts,
    image::{self, Boot, Image, Initramfs},
};

use crate::guest::{self, Tally};
use crate::observed::{Report, report};

/// Ends a boot, whichever it is.
const COLLECT: &str = include_str!("collect.sh");

/// How they are booted. A small one took 62 to 90 s, a whole one 71 to 143 s, on two processors that others used too.
const BOOT: Boot<'_> = Boot {
    append: "",
    cpus: 4,
    keeps: false,
    timeout: Duration::from_mins(10),
};

/// A boot.
struct Variant {
    name: &'static str,
    initramfs: Initramfs,
    /// Has boots traced.
    enable: &'static str,
    /// What the command line has for it.
    append: &'static str,
}

/// Up to a real root that has udevd and nothing else.
const SMALL: Variant = Variant {
    name: "small",
    initramfs: Initramfs::InitramfsTools,
    enable: "kmodtrace boot enable --initramfs initramfs-tools --host --tag rack=7 --tag row=b\n",
    append: "init=/usr/sbin/small",
};

/// The same, with nothing installed: the kernel starts the tracer.
const RDINIT: Variant = Variant {
    name: "rdinit",
    enable: "kmodtrace boot cpio -o /boot/behind.cpio\n",
    append: "init=/usr/sbin/small rdinit=/kmodtrace-init",
    ..SMALL
};

/// Up to where systemd has nothing left to do.
const WHOLE: [Variant; 2] = [
    Variant {
        name: "initramfs-tools",
        append: "systemd.wants=collect.service",
        ..SMALL
    },
    Variant {
        name: "dracut",
        initramfs: Initramfs::Dracut,
        enable: "kmodtrace boot enable --initramfs dracut\n",
        append: "systemd.wants=collect.service",
    },
];

/// Boots the small one.
pub(crate) fn small() -> Result<Tally> {
    run(&[SMALL])
}

/// Boots the whole ones, and the small one in another way.
pub(crate) fn whole() -> Result<Tally> {
    let [scripts, dracut] = WHOLE;
    run(&[RDINIT, scripts, dracut])
}

/// Boots small ones in which something goes wrong.
pub(crate) fn faulty() -> Result<Tally> {
    let mut tally = Tally::default();
    faults::run(&artifacts::static_kmodtrace()?, &mut tally)?;
    Ok(tally)
}

/// Boots a whole one twice that is to be traced once.
pub(crate) fn once() -> Result<Tally> {
    let mut tally = Tally::default();
    let compared = once::run(&artifacts::static_kmodtrace()?, &mut tally);
    tally.scenario("once", compared);
    Ok(tally)
}

/// Boots small ones on machines with more and more processors.
pub(crate) fn cpus() -> Result<Tally> {
    let mut tally = Tally::default();
    let compared = cpus::run(&artifacts::static_kmodtrace()?, &mut tally);
    tally.scenario("cpus", compared);
    Ok(tally)
}

/// Boots whole ones with and without tracing.
pub(crate) fn cost() -> Result<Tally> {
    let mut tally = Tally::default();
    let compared = cost::run(&artifacts::static_kmodtrace()?, &mut tally);
    tally.scenario("cost", compared);
    Ok(tally)
}

fn run(variants: &[Variant]) -> Result<Tally> {
    let tool = artifacts::static_kmodtrace()?;
    let mut tally = Tally::default();
    tally.lines.push(COLUMNS.to_owned());
    for variant in variants {
        let compared = variant.run(&tool, &mut tally);
        tally.scenario(variant.name, compared);
    }
    Ok(tally)
}

/// Boots it with the kernel's trace and this on its command line: what it left, and how long it took. With `keeps` it also finds what
/// it wrote to its disk when it is booted again.
fn booted(image: &Image, name: &str, append: &str, keeps: bool, tally: &mut Tally) -> Result<(PathBuf, Duration)> {
    let boot = Boot { append, keeps, ..BOOT };
    booted_as(image, name, &boot, tally)
}

/// The same on any machine.
fn booted_as(image: &Image, name: &str, boot: &Boot<'_>, tally: &mut Tally) -> Result<(PathBuf, Duration)> {
    let out = artifacts::target_dir()?.join("guests").join(format!("boot-{name}"));
    let boot = Boot {
        append: &format!("{} {}", trace::APPEND, boot.append),
        ..*boot
    };
    let duration = guest::again(&format!("of the boot {name}"), tally, || {
        guest::fresh(&out)?;
        image::boot(image, &boot, &out)
    })?;
    Ok((out, duration))
}

/// The tracer itself: how long it took to attach, and its memory, where it has not ended before the boot has.
fn tracer(out: &Path, attached_ns: u64) -> String {
    let text = fs::read_to_string(out.join("tracer")).unwrap_or_default();
    let number = |at: usize| {
        text.split_whitespace()
            .nth(at)
            .and_then(|word| word.parse::<u64>().ok())
    };
    // The kernel counts hundredths of a second.
    let since = |started: u64| attached_ns.saturating_sub(started * 10_000_000) / 1_000_000;
    let took = number(0).map_or_else(|| "n/o".to_owned(), |started| format!("{} ms", since(started)));
    let resident = number(1).map_or_else(|| "n/o".to_owned(), |resident| format!("{} MiB", resident >> 10));
    format!("the tracer: attached {took} after its start, {resident} resident at the most")
}

/// What `boot status` said in a guest.
fn status(out: &Path) -> Result<String> {
    fs::read_to_string(out.join("status")).context("the guest left no status")
}

impl Variant {
    /// Makes the image, boots it and compares. Gives how many calls were compared.
    fn run(&self, tool: &Path, tally: &mut Tally) -> Result<usize> {
        let image = Image::make(self.initramfs, &[tool], &[self.enable, COLLECT].concat())?;
        let (out, duration) = booted(&image, self.name, self.append, false, tally)?;
        let text = fs::read_to_string(out.join("trace")).context("the guest left no trace")?;
        let trace = trace::parse(&text)?;
        let report = report(tool, &out.join("boot.kmt"))?;
        let agreement = Agreement::of(&trace, &report);
        let line = agreement.line(self.name, duration.as_secs(), report.recording.began_ns);
        tally.lines.push(line);
        tally.lines.push(tracer(&out, report.recording.began_ns));
        let quality = &report.quality;
        ensure!(quality.is_whole(), "the recording is not whole: {quality:?}");
        let status = status(&out)?;
        ensure!(status.contains("this boot was traced: "), "boot status says: {status}");
        let sysfs = fs::read_to_string(out.join("modalias")).context("the guest left no aliases")?;
        tally.lines.push(devices::check(&report, &sysfs)?);
        ensure!(status.contains("ring is on"), "boot status says: {status}");
        tally.lines.push(before::check(&report, &trace)?);
        if let Ok(chain) = fs::read_to_string(out.join("critical-chain")) {
            tally.lines.push(critical::check(&report, &chain)?);
        }
        // Empty where it has none.
        let id = fs::read_to_string(out.join("machine-id")).context("the guest left no id")?;
        let id = Some(id.trim_end()).filter(|id| !id.is_empty());
        ensure!(
            report.recording.machine_id.as_deref() == id,
            "systemd says that the machine is {id:?}"
        );
        self.check_labels(&out, &report)?;
        let diff = fs::read_to_string(out.join("diff")).context("the guest left no comparison")?;
        for said in [
            "A  4 runs, ",
            "B  4 runs, ",
            "no difference that is more than noise",
            "in the set already",
        ] {
            ensure!(diff.contains(said), "boot diff does not say {said:?}: {diff}");
        }
        agreement.whole()
    }

    /// What the recording was told to say of its machine; the name is that of the real root, which the initramfs does not know.
    fn check_labels(&self, out: &Path, report: &Report) -> Result<()> {
        let name = fs::read_to_string(out.join("host")).context("the guest left no name")?;
        let expected = self.enable.contains("--tag").then(|| ("7", "b", name.trim_end()));
        let recording = &report.recording;
        let tag = |name| recording.tags.get(name).map(String::as_str);
        let told = tag("rack").zip(tag("row")).zip(recording.host.as_deref());
        let told = told.map(|((rack, row), host)| (rack, row, host));
        ensure!(
            told == expected,
            "the machine is {expected:?}, and the recording says {told:?}"
        );
        Ok(())
    }
}
