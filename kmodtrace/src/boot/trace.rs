//! The tracer of a boot, in the initramfs or in the real root.

use std::fs::{self, DirBuilder};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::reason::Reason;
use super::{NAME, PID, RECORDING, RUN, Running, running, this_one};
use crate::cli::Labels;
use crate::failure::say;
use crate::live::attach::Attached;
use crate::live::privileges::Keep;
use crate::live::pump::Ended;
use crate::live::ready;
use crate::live::session::{Options, Session};
use crate::notice::Notices;
use crate::recorder::Recorder;
use crate::target::Target;
use anyhow::{Context as _, Result};

/// The boot waits for no longer than this.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// Traces until a signal, for so long, or until the recording has so many bytes. Whatever fails is written down, so that it can be told
/// when the machine is up.
pub(crate) fn trace(options: Options<'_>, max_size: u64) -> Result<()> {
    if running() != Running::Nothing || this_one().is_some() {
        // It runs since the initramfs, or has ended: a boot has one recording.
        ready::tell();
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(RUN);
    made.with_context(|| format!("cannot make {RUN}"))?;
    let reason = Reason::owed();
    let traced = record(options, max_size);
    // Before it detaches, which takes a while: the recording is there, and somebody may ask.
    reason.pay(traced.as_ref().err());
    traced?.detach(Notices::new(true));
    Ok(())
}

fn record(options: Options<'_>, max_size: u64) -> Result<Attached> {
    let target = Target::file(Path::new(RECORDING))?;
    let session = Session::open(options)?;
    let mut recorder = Recorder::new(target, &session.header, Some(max_size))?;
    fs::write(PID, format!("{}\n", std::process::id())).with_context(|| format!("cannot write {PID}"))?;
    let Ended { trailer, attached, .. } = session.start(None, Keep::Nothing)?.run(&mut recorder)?;
    say(recorder.finish(&trailer)?);
    Ok(attached)
}

/// Starts the same in the background, and waits until it is attached, has failed, or time is up: then the boot goes on without it.
pub(crate) fn detach(max_size: u64, labels: &Labels) -> Result<()> {
    let name = format!("kmodtrace-boot-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name)?;
    let socket = UnixDatagram::bind_addr(&address).context("cannot listen")?;
    socket.set_read_timeout(Some(LOOK))?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["boot", "trace", "--max-size"])
        .arg(format!("{}K", max_size >> 10))
        // None of them has a blank in it.
        .args(labels.options().split_whitespace())
        .arg0(NAME)
        .env("NOTIFY_SOCKET", format!("@{name}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // Signals of the initramfs' shell are not for it.
        .process_group(0)
        .spawn()
        .context("cannot start the tracer")?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && !told(&socket) && !ended(&mut child) {}
    Ok(())
}

fn told(socket: &UnixDatagram) -> bool {
    socket.recv(&mut [0; 64]).is_ok()
}

fn ended(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(Some(_)))
}
