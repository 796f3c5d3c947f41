//! The ways to boot a kernel that docs/bisect shows, each run as its page says: recordings come back, and so does the status.

use std::{
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use guest_vm::{
    artifacts,
    kernel::Kernel,
    paths::{self, Scratch},
    process, virtme,
    vm::EMULATORS_FAULT,
};

use crate::{bisect, guest::Tally, observed};

/// The module of docs/bisect/storm.sh, whose init function fails in a guest.
const MODULE: &str = "acpi_cpufreq";

/// Tasks that load it at once.
const TASKS: u64 = 8;

/// How many of them run the init function. With the fix one does, and the others get that its load failed: but a task that is
/// late by more than a load, as emulation makes one now and then, begins a load of its own. Without it each runs it.
const WITH_FIX: RangeInclusive<u64> = 1..=TASKS / 2;
const WITHOUT_FIX: RangeInclusive<u64> = TASKS..=TASKS;

/// A workload that takes no time, records nothing and fails in its own way.
const FAILS: &str = "exit 7\n";

/// Boots the kernels in all these ways; one that fails does not keep the others from being tried.
pub(crate) fn run() -> Result<Tally> {
    let vng = virtme::ensure()?;
    let programs = artifacts::guest_programs()?;
    let tool = artifacts::named(&programs, "kmodtrace")?;
    let (plain, before) = bisect::both_kernels()?;
    // Its guests have this machine's libraries.
    let dynamic = artifacts::debug_kmodtrace()?;
    let qemu = |kernel| Recipe {
        script: "docs/bisect/qemu.sh",
        kernel,
        environment: vec![("MODULES", &kernel.modules), ("KMODTRACE", tool)],
    };
    let virtme = Recipe {
        script: "docs/bisect/virtme-ng.sh",
        kernel: &plain,
        environment: vec![("VNG", &vng), ("KMODTRACE", &dynamic)],
    };
    let mut tally = Tally::default();
    tally.scenario("QEMU", qemu(&plain).storm(tool, WITH_FIX));
    tally.scenario("QEMU, without the fix", qemu(&before).storm(tool, WITHOUT_FIX));
    tally.scenario("QEMU, status", qemu(&plain).status());
    tally.scenario("virtme-ng", virtme.storm(tool, WITH_FIX));
    tally.scenario("virtme-ng, status", virtme.status());
    Ok(tally)
}

/// A script of docs/bisect, and what it is told through its environment.
struct Recipe<'a> {
    script: &'static str,
    kernel: &'a Kernel,
    environment: Vec<(&'static str, &'a Path)>,
}

impl Recipe<'_> {
    /// The storm leaves one recording, which shows what its tasks got. It holds so many attempts.
    fn storm(&self, tool: &Path, inits: RangeInclusive<u64>) -> Result<usize> {
        let out = Scratch::new()?;
        let workload = Path::new("docs/bisect/storm.sh");
        let (status, said) = self.boot(workload, &out)?;
        ensure!(status == Some(0), "it ended with {status:?}\n{said}");
        let recording = only_recording(out.path()).with_context(|| said)?;
        let report = observed::report(tool, &recording)?;
        let (release, wanted) = (&report.kernel.release, &self.kernel.release);
        ensure!(release == wanted, "the recording is of {release}, not of {wanted}");
        let module = report.modules.iter().find(|row| row.name.as_deref() == Some(MODULE));
        let module = module.with_context(|| format!("the recording has no {MODULE}"))?;
        let got = |errno: &str| {
            let of_it = module.outcomes.iter().filter(|(name, _)| *name == errno);
            of_it.map(|(_, count)| *count).sum::<u64>()
        };
        let (failed, refused) = (got("ENODEV"), got("EBUSY"));
        ensure!(
            inits.contains(&failed) && failed + refused == TASKS && module.attempts == TASKS,
            "of {TASKS} tasks {inits:?} should have got ENODEV from {MODULE}, and the others EBUSY, not {:?}",
            module.outcomes
        );
        Ok(usize::try_from(module.attempts)?)
    }

    /// The status of a workload comes through, and nothing else.
    fn status(&self) -> Result<usize> {
        let (scratch, out) = (Scratch::new()?, Scratch::new()?);
        let workload = scratch.path().join("workload");
        fs::write(&workload, FAILS).context("cannot write a workload")?;
        let (status, said) = self.boot(&workload, &out)?;
        ensure!(status == Some(7), "it ended with {status:?}, not 7\n{said}");
        let left = fs::read_dir(out.path()).context("cannot list what came out")?.count();
        ensure!(left == 0, "it left {left} files and recorded nothing");
        Ok(0)
    }

    /// Runs the script; a second time if the emulator ended the guest, which panics at a breakpoint that is gone from memory.
    fn boot(&self, workload: &Path, out: &Scratch) -> Result<(Option<i32>, String)> {
        let first = self.once(workload, out)?;
        if !first.1.contains(EMULATORS_FAULT) {
            return Ok(first);
        }
        eprintln!(
            "xtask: the emulator ended a guest of {}, once more: {}",
            self.script, first.1
        );
        self.once(workload, out)
    }

    fn once(&self, workload: &Path, out: &Scratch) -> Result<(Option<i32>, String)> {
        let mut command = Command::new("sh");
        command.arg(self.script).arg(workload).current_dir(paths::workspace());
        command
            .env("KERNEL", &self.kernel.image)
            .env("KMODTRACE_OUT", out.path());
        command.envs(self.environment.iter().copied());
        let output = command
            .output()
            .with_context(|| format!("cannot run {}", process::shown(&command)))?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
    }
}

/// The one recording in a directory.
fn only_recording(dir: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    let files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    match &files[..] {
        [file] if file.extension().is_some_and(|extension| extension == "kmt") => Ok(file.clone()),
        _ => bail!("no single recording came out, but {files:?}"),
    }
}
