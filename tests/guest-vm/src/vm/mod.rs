//! Boots a kernel in QEMU, runs a command in it, brings back what it said and left.
//!
//! Only ISA serial ports lead in and out, which every kernel has drivers for built in: no virtio, no network, no disk.

mod channels;
mod console;
mod control;
mod machine;
mod qemu;
mod session;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Error, Result, bail};

use crate::{
    guest::{self, Guest},
    kernel::{self, Kernel, Selection},
    paths::Scratch,
};
pub(crate) use console::Console;
pub(crate) use machine::Machine;
pub(crate) use qemu::{APPEND, Accelerator, bare};
use session::{Ended, Ending};

/// What to boot and what to do in it.
#[derive(Debug)]
pub struct VmSpec {
    /// What is booted.
    pub kernel: Kernel,
    /// What its user space holds and runs.
    pub guest: Guest,
    /// Which of its modules are there.
    pub modules: Selection,
    /// Virtual processors; more than the host has is allowed, time then stretches.
    pub smp: u32,
    /// Whether an emulated guest's processors run by turns, and not beside each other.
    pub by_turns: bool,
    /// Memory, as QEMU takes it.
    pub memory: String,
    /// Added to the kernel's command line.
    pub append: String,
    /// From power-on to power-off.
    pub timeout: Duration,
    /// Whether `Outcome` carries the output. It is streamed in any case.
    pub capture: bool,
    /// Where what the command leaves in /out goes.
    pub out_dir: Option<PathBuf>,
    /// Console lines with one of these texts in them are no failure.
    pub tolerate: Vec<String>,
}

impl VmSpec {
    /// A guest of the usual size that runs a shell command.
    pub fn new(kernel: Kernel, command: impl Into<String>) -> Self {
        Self {
            kernel,
            guest: Guest {
                command: Some(command.into()),
                ..Guest::default()
            },
            modules: Selection::default(),
            smp: 2,
            by_turns: false,
            memory: "1G".to_owned(),
            append: String::new(),
            timeout: Duration::from_mins(5),
            capture: true,
            out_dir: None,
            tolerate: Vec::new(),
        }
    }
}

/// Which of its two outputs the command wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// Gets what the command writes while it runs, line by line. An error ends the guest.
pub type Sink<'a> = dyn FnMut(Stream, &[u8]) -> io::Result<()> + 'a;

/// What a command did in a guest that ran to its end.
#[derive(Debug)]
pub struct Outcome {
    /// The command's exit status; 128 and the signal if one ended it.
    pub status: u8,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// And to its standard error.
    pub stderr: Vec<u8>,
    /// The kernel's console.
    pub console: String,
    /// What `uname -r` said.
    pub release: String,
    /// Whether the first boot died before it reached user space.
    pub retried: bool,
    /// From power-on to user space.
    pub booted: Duration,
    /// From power-on to power-off.
    pub took: Duration,
}

impl Outcome {
    /// An error with what the command said last, if it failed.
    pub fn succeeded(&self) -> Result<()> {
        if self.status == 0 {
            return Ok(());
        }
        let stream = if self.stderr.is_empty() {
            &self.stdout
        } else {
            &self.stderr
        };
        let text = String::from_utf8_lossy(stream);
        let lines: Vec<_> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(20)..].join("\n");
        bail!("the command in the guest ended with status {}\n{last}", self.status)
    }
}

/// How a kernel ends by a fault of the emulator's. It was seen where code is patched that runs on another processor: QEMU
/// 7.2 keeps a breakpoint that is gone from memory.
pub const EMULATORS_FAULT: &str = "Oops: int3";

/// A guest that the emulator ended, and not its kernel or its command.
#[derive(Debug)]
pub struct EmulatorFailed(pub(crate) String);

impl fmt::Display for EmulatorFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EmulatorFailed {}

/// Boots a guest and runs its command. An error is a guest that did not come to its end, or whose kernel complained; the command's own failure
/// is in the status.
pub fn run(spec: &VmSpec, sink: &mut Sink<'_>) -> Result<Outcome> {
    let scratch = Scratch::new()?;
    let tree = kernel::stage(&spec.kernel, &spec.modules, scratch.path())?;
    let initramfs = scratch.path().join("initramfs");
    guest::build(&spec.guest, &tree, &initramfs)?;
    let mut accelerator = Accelerator::best();
    let mut retried = false;
    loop {
        let attempt = Scratch::new()?;
        let start = Instant::now();
        let ended = session::run(spec, &initramfs, accelerator, attempt.path(), sink)?;
        let came_up = ended.control.release.is_some();
        match accelerator {
            Accelerator::Kvm if !came_up => {
                eprintln!(
                    "xtask: {} does not come up under KVM ({}): emulating it",
                    spec.kernel.name, ended.ending
                );
                accelerator = Accelerator::Tcg;
            }
            Accelerator::Tcg if !came_up && !retried && ended.ending != Ending::Refused => {
                let why = ended
                    .console
                    .complaint(&spec.tolerate)
                    .unwrap_or_else(|| ended.ending.to_string());
                eprintln!(
                    "xtask: {} died before user space ({why}): booting once more",
                    spec.kernel.name
                );
                retried = true;
            }
            Accelerator::Kvm | Accelerator::Tcg => return outcome(spec, ended, start, retried, attempt.path()),
        }
    }
}

/// The error of a kernel that complained.
pub(crate) fn complained(name: &str, complaint: &str, console: &Console) -> Error {
    let why = format!("{name}: the kernel complains: {complaint}\n{}", console.excerpt());
    if complaint.contains(EMULATORS_FAULT) {
        EmulatorFailed(why).into()
    } else {
        Error::msg(why)
    }
}

/// What a guest that will not be booted again has come to.
fn outcome(spec: &VmSpec, ended: Ended, start: Instant, retried: bool, scratch: &Path) -> Result<Outcome> {
    let name = format!("kernel {} ({})", spec.kernel.name, spec.kernel.release);
    let Ended {
        ending,
        console,
        control,
        stdout,
        stderr,
    } = ended;
    // Also what a guest that failed has left is of use.
    let brought = match &spec.out_dir {
        Some(dir) => control
            .archive
            .unpack(scratch, dir)
            .with_context(|| format!("{name}: cannot bring /out back")),
        None => Ok(()),
    };
    if ending == Ending::TimedOut {
        bail!(
            "{name}: not done after {} s\n{}",
            spec.timeout.as_secs(),
            console.excerpt()
        );
    }
    if let Some(complaint) = console.complaint(&spec.tolerate) {
        return Err(complained(&name, &complaint, &console));
    }
    let (Some(release), Some(status), Some(up)) = (control.release, control.status, control.up) else {
        let why = format!("{name}: the guest ended before its command did ({ending})");
        return Err(EmulatorFailed(format!("{why}\n{}", console.excerpt())).into());
    };
    brought?;
    Ok(Outcome {
        status,
        stdout,
        stderr,
        console: console.text(),
        release,
        retried,
        booted: up.duration_since(start),
        took: start.elapsed(),
    })
}
