//! One power-on: starts the machine, takes in what its ports bring until it is off or its time is up.

use std::{
    fmt, fs, io,
    path::Path,
    sync::mpsc::RecvTimeoutError,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::{
    Sink, Stream, VmSpec,
    channels::{self, Arrival, Port},
    console::Console,
    control::Control,
    machine::Machine,
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
    let mut lines = Lines::default();
    let mut open = ports.len();
    while open > 0 {
        match arrivals.recv_timeout(Duration::from_millis(100)) {
            Ok(Arrival::Bytes(port, bytes)) => take(&mut ended, spec.capture, port, &bytes, &mut |stream, bytes| {
                lines.push(stream, bytes, sink)
            })?,
            // A machine that is off is not asked for: its pipes may still hold what nobody had the time to read.
            Ok(Arrival::Closed) => open -= 1,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if let Some(ending) = overdue(spec, accelerator, start.elapsed(), ended.control.release.is_some()) {
            ended.ending = ending;
            break;
        }
    }
    lines.finish(sink)?;
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

/// Both outputs of the command line by line, since they mostly go to one terminal: they come by ports of their own, in pieces.
#[derive(Debug, Default)]
struct Lines {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Lines {
    /// What is no text need not have an end of line anywhere.
    const LONGEST: usize = 64 * 1024;

    fn push(&mut self, stream: Stream, bytes: &[u8], sink: &mut Sink<'_>) -> io::Result<()> {
        let held = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        held.extend_from_slice(bytes);
        let whole = held.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let whole = if held.len() > Self::LONGEST { held.len() } else { whole };
        if whole > 0 {
            sink(stream, &held[..whole])?;
            held.drain(..whole);
        }
        Ok(())
    }

    /// What ends without an end of line.
    fn finish(self, sink: &mut Sink<'_>) -> io::Result<()> {
        for (stream, held) in [(Stream::Stdout, self.stdout), (Stream::Stderr, self.stderr)] {
            if !held.is_empty() {
                sink(stream, &held)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    #[test]
    fn lines_of_both_outputs_are_whole() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        let mut sink = |_, bytes: &[u8]| {
            seen.extend_from_slice(bytes);
            Ok(())
        };
        for (stream, bytes) in [
            (Stream::Stdout, &b"a tr"[..]),
            (Stream::Stderr, b"lost 0\nmiss"),
            (Stream::Stdout, b"ee\n  of calls\nend"),
            (Stream::Stderr, b"ed 0\n"),
        ] {
            lines.push(stream, bytes, &mut sink).unwrap();
        }
        lines.finish(&mut sink).unwrap();
        assert_eq!(
            String::from_utf8(seen).unwrap(),
            "lost 0\na tree\n  of calls\nmissed 0\nend"
        );
    }

    #[test]
    fn what_has_no_lines_is_not_held_for_ever() {
        let mut lines = Lines::default();
        let mut seen = 0;
        let mut sink = |_, bytes: &[u8]| {
            seen += bytes.len();
            Ok(())
        };
        for _ in 0..3 {
            lines
                .push(Stream::Stdout, "x".repeat(40_000).as_bytes(), &mut sink)
                .unwrap();
        }
        assert_eq!(lines.stdout.len(), 40_000);
        lines.finish(&mut sink).unwrap();
        assert_eq!(seen, 120_000);
    }
}
