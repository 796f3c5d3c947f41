//! The machine that an image boots in, and what it brings back.

use std::{
    fs::{self, File},
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use super::{Image, devices, pack::LABEL};
use crate::{
    paths::Scratch,
    process,
    vm::{APPEND, Accelerator, Console, EmulatorFailed, Machine, bare, complained},
};

/// The machine's kind, and memory: a system with every driver needs more than a guest of a few tools.
const SIZE: [&str; 4] = ["-machine", "q35", "-m", "2G"];

/// The most that a guest may leave.
const RESULTS: u64 = 64 << 20;

/// How an image is booted.
#[derive(Debug)]
pub struct Boot<'a> {
    /// Added to the kernel's command line.
    pub append: &'a str,
    /// Its processors.
    pub cpus: u32,
    /// Whether what the guest writes to its disk is there in the next boot.
    pub keeps: bool,
    /// From power-on to power-off.
    pub timeout: Duration,
}

/// Boots an image, emulated, until it is off; gives the time that took. What the guest wrote as a tar archive to the block device with
/// the serial `results` goes to this folder, which must be there. An error is a guest whose kernel complained, whose time was
/// up, or that left nothing; where the emulator ended it, it is an [`EmulatorFailed`](crate::vm::EmulatorFailed).
pub fn boot(image: &Image, boot: &Boot<'_>, out_dir: &Path) -> Result<Duration> {
    let scratch = Scratch::new()?;
    let [console, results, words] = ["console", "results", "words"].map(|name| scratch.path().join(name));
    File::create(&results)
        .and_then(|file| file.set_len(RESULTS))
        .context("cannot make a disk for the results")?;
    let start = Instant::now();
    let mut machine = start_machine(image, boot, &console, &results, &words)?;
    while !machine.is_off()? && start.elapsed() < boot.timeout {
        thread::sleep(Duration::from_millis(100));
    }
    let (in_time, crashed, took) = (machine.is_off()?, machine.crashed()?, start.elapsed());
    let accepted = machine.end()?;
    let mut said = Console::default();
    said.push(&fs::read(&console).unwrap_or_default());
    // Also what a guest that failed has left is of use.
    let mut tar = process::command("tar", ["--no-same-owner", "-xf"]);
    let unpacked = process::captured(tar.arg(&results).arg("-C").arg(out_dir));
    if let Some(complaint) = said.complaint(&[]) {
        return Err(complained("the system", &complaint, &said));
    }
    if crashed {
        return Err(EmulatorFailed(format!("qemu crashed after {} s\n{}", took.as_secs(), said.excerpt())).into());
    }
    if !in_time {
        bail!("not done after {} s\n{}", boot.timeout.as_secs(), said.excerpt());
    }
    let words = || fs::read_to_string(&words).unwrap_or_default();
    ensure!(accepted, "qemu refused to run it\n{}", words());
    unpacked.with_context(|| format!("cannot unpack what the guest left\n{}", said.excerpt()))?;
    let left = fs::read_dir(out_dir).context("cannot list what the guest left")?;
    ensure!(left.count() > 0, "the guest left nothing\n{}", said.excerpt());
    Ok(took)
}

fn start_machine(image: &Image, boot: &Boot<'_>, console: &Path, results: &Path, words: &Path) -> Result<Machine> {
    let mut command = bare(Accelerator::Tcg.arguments(false))?;
    command.args(SIZE).arg("-smp").arg(boot.cpus.to_string());
    command.arg("-kernel").arg(image.kernel());
    command.arg("-initrd").arg(image.initrd());
    command
        .arg("-append")
        .arg(format!("{APPEND} root=LABEL={LABEL} rw {}", boot.append));
    let snapshot = if boot.keeps { "off" } else { "on" };
    command.arg("-serial").arg(format!("file:{}", console.display()));
    for (name, file, snapshot) in [("root", image.root().as_path(), snapshot), ("results", results, "off")] {
        let file = file.display();
        command.arg("-drive").arg(format!(
            "if=none,id={name},format=raw,file={file},cache=unsafe,snapshot={snapshot}"
        ));
        command
            .arg("-device")
            .arg(format!("virtio-blk-pci,drive={name},serial={name}"));
    }
    command.args(devices::arguments());
    // It warns of every network card that leads nowhere, so its words are for its failures alone.
    let words = File::create(words).context("cannot keep what qemu says")?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words);
    let child = process::tied(&mut command).spawn();
    child.map(Machine).context("cannot start qemu-system-x86_64")
}
