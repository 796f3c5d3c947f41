//! Boots a kernel in QEMU, runs a command in it, brings back what it said and left.
//!
//! Only ISA serial ports lead in and out, which every kernel has drivers for built in: no virtio, no network, no disk.

mod args;
mod channels;
mod console;
mod control;
mod qemu;
mod session;

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

pub(crate) use args::{VmArgs, main, pass_through};

use crate::{
    guest::{self, Guest},
    kernel::{self, Kernel, Selection},
    paths::Scratch,
};
use qemu::Accelerator;
use session::Ending;

/// What to boot and what to do in it.
#[derive(Debug)]
pub(crate) struct VmSpec {
    pub(crate) kernel: Kernel,
    pub(crate) guest: Guest,
    pub(crate) modules: Selection,
    /// Virtual processors; more than the host has is allowed, time then stretches.
    pub(crate) smp: u32,
    /// Memory, as QEMU takes it.
    pub(crate) memory: String,
    /// Added to the kernel's command line.
    pub(crate) append: String,
    /// From power-on to power-off.
    pub(crate) timeout: Duration,
    /// Whether `Outcome` carries the output. It is streamed in any case.
    pub(crate) capture: bool,
    /// Where what the command leaves in /out goes.
    pub(crate) out_dir: Option<PathBuf>,
    /// Console lines with one of these texts in them are no failure.
    pub(crate) tolerate: Vec<String>,
}

impl VmSpec {
    /// A guest of the usual size that runs a shell command.
    pub(crate) fn new(kernel: Kernel, command: impl Into<String>) -> Self {
        Self {
            kernel,
            guest: Guest {
                command: Some(command.into()),
                ..Guest::default()
            },
            modules: Selection::default(),
            smp: 2,
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
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Gets what the command writes while it runs. An error ends the guest.
pub(crate) type Sink<'a> = dyn FnMut(Stream, &[u8]) -> io::Result<()> + 'a;

/// What a command did in a guest that ran to its end.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The command's exit status; 128 and the signal if one ended it.
    pub(crate) status: u8,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// The kernel's console.
    pub(crate) console: String,
    /// What `uname -r` said.
    pub(crate) release: String,
    /// Whether the first boot died before it reached user space.
    pub(crate) retried: bool,
    /// From power-on to user space.
    pub(crate) booted: Duration,
    /// From power-on to power-off.
    pub(crate) took: Duration,
}

impl Outcome {
    /// An error with what the command said last, if it failed.
    pub(crate) fn succeeded(&self) -> Result<()> {
        if self.status == 0 {
            return Ok(());
        }
        let said = if self.stderr.is_empty() {
            &self.stdout
        } else {
            &self.stderr
        };
        let said = String::from_utf8_lossy(said);
        let last: Vec<_> = said.lines().rev().take(20).collect();
        let last: Vec<_> = last.into_iter().rev().collect();
        bail!(
            "the command in the guest ended with status {}\n{}",
            self.status,
            last.join("\n")
        )
    }
}

/// Boots and runs. An error is a guest that did not come to its end, or whose kernel complained; the command's own failure
/// is in the status.
pub(crate) fn run(spec: &VmSpec, sink: &mut Sink<'_>) -> Result<Outcome> {
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
        match verdict(spec, ended, start, retried, attempt.path())? {
            Verdict::Done(outcome) => return Ok(*outcome),
            Verdict::OtherAccelerator => {
                eprintln!("xtask: the guest says nothing under KVM; emulating it instead");
                accelerator = Accelerator::Tcg;
            }
            Verdict::Again(why) => {
                eprintln!(
                    "xtask: {} died before user space ({why}); booting once more",
                    spec.kernel.name
                );
                retried = true;
            }
        }
    }
}

enum Verdict {
    Done(Box<Outcome>),
    OtherAccelerator,
    Again(String),
}

fn verdict(spec: &VmSpec, ended: session::Ended, start: Instant, retried: bool, scratch: &Path) -> Result<Verdict> {
    let name = format!("kernel {} ({})", spec.kernel.name, spec.kernel.release);
    let session::Ended {
        ending,
        console,
        control,
        stdout,
        stderr,
    } = ended;
    let early = control.release.is_none();
    match ending {
        Ending::Silent => return Ok(Verdict::OtherAccelerator),
        Ending::PoweredOff | Ending::TimedOut | Ending::NeverUp if early && !retried => {
            return Ok(Verdict::Again(
                console.complaint(&spec.tolerate).unwrap_or_else(|| ending.to_string()),
            ));
        }
        Ending::TimedOut => {
            bail!(
                "{name}: not done after {} s\n{}",
                spec.timeout.as_secs(),
                console.tail()
            );
        }
        Ending::Refused => bail!("{name}: {ending}"),
        Ending::PoweredOff | Ending::NeverUp => {}
    }
    if let Some(complaint) = console.complaint(&spec.tolerate) {
        bail!("{name}: the kernel complains: {complaint}\n{}", console.tail());
    }
    let (Some(release), Some((status, _)), Some(up)) = (control.release, control.status, control.up) else {
        bail!(
            "{name}: the guest ended before its command did ({ending})\n{}",
            console.tail()
        );
    };
    if let Some(dir) = &spec.out_dir {
        control
            .archive
            .unpack(scratch, dir)
            .with_context(|| format!("{name}: cannot bring /out back"))?;
    }
    Ok(Verdict::Done(Box::new(Outcome {
        status,
        stdout,
        stderr,
        console: console.text(),
        release,
        retried,
        booted: up.duration_since(start),
        took: start.elapsed(),
    })))
}
