//! One power-on: starts the machine, takes in what its ports bring until it is off or its time is up.

use std::{
    fmt, fs, io,
    path::Path,
    process::Child,
    sync::mpsc::RecvTimeoutError,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::{
    Sink, Stream, VmSpec,
    channels::{self, Arrival, Port},
    console::Console,
    control::Control,
    qemu::{self, Accelerator},
};

/// A guest under KVM that has not reached user space by then never will.
const KVM_PATIENCE: Duration = Duration::from_secs(20);

/// An emulated guest that has not: booting takes seconds, on a host with other work perhaps a minute.
const BOOT_PATIENCE: Duration = Duration::from_mins(2);

/// How a machine came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    PoweredOff,
    /// QEMU did not take its command line, and said why.
    Refused,
    TimedOut,
    /// User space was not reached in the time that takes.
    NeverUp,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PoweredOff => "it powered itself off",
            Self::Refused => "qemu refused to run it",
            Self::TimedOut => "its time was up",
            Self::NeverUp => "it did not reach user space in time",
        })
    }
}

/// A machine that is off, and what it brought.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) ending: Ending,
    pub(super) console: Console,
    pub(super) control: Control,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Runs the machine to its end.
pub(super) fn run(
    spec: &VmSpec,
    initramfs: &Path,
    accelerator: Accelerator,
    dir: &Path,
    sink: &mut Sink<'_>,
) -> Result<Ended> {
    let ports = if spec.guest.terminal.is_some() {
        &Port::ALL[1..]
    } else {
        &Port::ALL[..]
    };
    let (pipes, arrivals) = channels::open(ports)?;
    let log = dir.join("console");
    let start = Instant::now();
    let mut machine = Machine(qemu::start(spec, initramfs, accelerator, pipes, &log)?);
    let mut ended = Ended {
        ending: Ending::PoweredOff,
        console: Console::default(),
        control: Control::default(),
        stdout: Vec::new(),
        stderr: Vec::new(),
    };
    let mut open = ports.len();
    while open > 0 {
        match arrivals.recv_timeout(Duration::from_millis(100)) {
            Ok(Arrival::Bytes(port, bytes)) => take(&mut ended, spec.capture, port, &bytes, sink)?,
            Ok(Arrival::Closed) => open -= 1,
            // A machine that refused its own command line is off at once.
            Err(RecvTimeoutError::Timeout) if machine.is_off()? => break,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if let Some(ending) = overdue(spec, accelerator, start.elapsed(), ended.control.release.is_some()) {
            ended.ending = ending;
            break;
        }
    }
    if !machine.end()? && ended.ending == Ending::PoweredOff {
        ended.ending = Ending::Refused;
    }
    if spec.guest.terminal.is_some() {
        ended.console.push(&fs::read(log).unwrap_or_default());
    }
    Ok(ended)
}

/// Whether a machine has had its time.
fn overdue(spec: &VmSpec, accelerator: Accelerator, age: Duration, up: bool) -> Option<Ending> {
    if age > spec.timeout {
        return Some(Ending::TimedOut);
    }
    let patience = match accelerator {
        Accelerator::Kvm => KVM_PATIENCE,
        Accelerator::Tcg => BOOT_PATIENCE,
    };
    (!up && age > patience).then_some(Ending::NeverUp)
}

fn take(ended: &mut Ended, capture: bool, port: Port, bytes: &[u8], sink: &mut Sink<'_>) -> io::Result<()> {
    let (stream, kept) = match port {
        Port::Console => {
            ended.console.push(bytes);
            return Ok(());
        }
        Port::Control => {
            ended.control.push(bytes);
            return Ok(());
        }
        Port::Stdout => (Stream::Stdout, &mut ended.stdout),
        Port::Stderr => (Stream::Stderr, &mut ended.stderr),
    };
    if capture {
        kept.extend_from_slice(bytes);
    }
    sink(stream, bytes)
}

/// A running QEMU, ended with the value.
struct Machine(Child);

impl Machine {
    fn is_off(&mut self) -> Result<bool> {
        Ok(self.0.try_wait().context("cannot ask for qemu's state")?.is_some())
    }

    /// Ends it if it still runs. Whether it had no complaint of its own.
    fn end(&mut self) -> Result<bool> {
        // All ports closed: it is about to exit by itself, and restores the terminal while it does.
        for _ in 0..20 {
            if let Some(status) = self.0.try_wait().context("cannot ask for qemu's state")? {
                return Ok(status.success());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.0.kill().context("cannot end qemu")?;
        self.0.wait().context("cannot wait for qemu")?;
        Ok(true)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
