//! Drives the ring, timers, signals and the traced command on one thread; an idle tracer wakes for nothing.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result};
use kmodtrace_common::RING_BYTES;
use kmodtrace_core::model::{Ktime, Tgid, Tid, WaitStatus};
use kmodtrace_core::records::decode::{TickBytes, Tracer as Identity};
use kmodtrace_core::records::unnamed::without_addresses;
use rustix::time::ClockId;
use tokio::io::unix::AsyncFd;
use tokio::process::Child;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::attach::{Attached, Logger, Tracer};
use super::cgroups::Cgroups;
use super::in_flight::InFlight;
use crate::workload::status_of;

/// Records gather this long before they are taken: the kernel wakes a reader only for the first record after it had
/// read everything, so under load the tracer wakes this often and no more.
const GATHER: Duration = Duration::from_millis(50);

/// How often time goes on without a record while a task is in a load or a request: a wait that lasts is told by the tick.
const BEAT: Duration = Duration::from_secs(1);

/// Where the records go: the bytes that the ring held, and the ticks between them.
pub(crate) trait Sink {
    /// Takes one record.
    fn record(&mut self, bytes: &[u8]) -> Result<()>;
    /// What the ring held was read; show and keep it. `idle` when nothing more is on its way.
    fn ring_read(&mut self, idle: bool) -> Result<()>;
    /// Why it takes no more, where it does not.
    fn over(&self) -> Option<Stop> {
        None
    }
    /// Whether what it shows changes with time, also when nobody is in a load.
    fn is_moving(&self) -> bool {
        false
    }
    /// Waits for what it has to do beside taking records, and does it. It may be dropped while it waits.
    fn wake(&mut self) -> impl Future<Output = Result<()>> {
        std::future::pending()
    }
}

/// What ends tracing.
pub(crate) struct Until {
    /// The traced command.
    pub child: Option<Child>,
    /// How long at the most.
    pub duration: Option<Duration>,
}

/// What ended it.
pub(crate) enum Stop {
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// The time was up.
    Duration,
    /// Nobody wants any more.
    Reader,
    /// The recording has the size that it may have.
    Full,
    /// The command ended.
    Command(ExitStatus),
}

impl Stop {
    /// The command's own exit status, 128 and the signal that killed it, or 0 when something else ended it.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Signal | Self::Duration | Self::Reader | Self::Full => ExitCode::SUCCESS,
            Self::Command(status) => ExitCode::from(status_of(*status)),
        }
    }
}

/// `CLOCK_MONOTONIC`, the clock of every record.
pub(crate) fn now() -> Ktime {
    let time = rustix::time::clock_gettime(ClockId::Monotonic);
    Ktime(u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// How tracing ended.
pub(crate) struct Ended {
    /// Why.
    pub(crate) stop: Stop,
    /// The last record.
    pub(crate) trailer: TickBytes,
    /// Dropping this detaches.
    pub(crate) attached: Attached,
}

/// Traces until something of `until` happens, takes what the ring holds then, and makes the trailer.
///
/// Detaching is left to the caller, when everything is written: the kernel waits for a grace period of RCU-tasks for each
/// function, one after the other, which takes seconds, and attempts of that time would be seen by fewer and fewer probes.
pub(crate) async fn run(tracer: Tracer, until: Until, sink: &mut impl Sink) -> Result<Ended> {
    let Tracer {
        attached,
        ring,
        counters,
        refused,
        cgroups,
        logger,
        plan: _,
    } = tracer;
    // SAFETY: the ring owns its map's descriptor, never replaces it, and as_raw_fd returns no other.
    let ring = unsafe { AsyncFd::register(ring) }.map_err(std::io::Error::from);
    let mut drain = Drain {
        ring: ring.context("cannot wait for the ring buffer")?,
        counters,
        logger,
        in_flight: InFlight::default(),
        cgroups,
    };
    exit_on_second_interrupt();
    let stop = follow(&mut drain, until, sink).await?;
    drain.counters.read_missed();
    drain.cgroups.hurry();
    drain.take(sink)?;
    for (uid, comm, calls) in refused.read().context("cannot read the map REFUSED")? {
        sink.record(&identity().refused(now(), uid, comm, calls))?;
    }
    if let Stop::Command(status) = &stop {
        sink.record(&identity().command_end(now(), WaitStatus(status.into_raw().into())))?;
    }
    let full = matches!(stop, Stop::Full);
    Ok(Ended {
        stop,
        trailer: identity().trailer(now(), drain.counters.read(), full),
        attached,
    })
}

async fn follow(drain: &mut Drain, until: Until, sink: &mut impl Sink) -> Result<Stop> {
    let Until { mut child, duration } = until;
    let mut signals = Signals::new()?;
    // One that no clock reaches is none.
    let deadline = duration.and_then(|duration| Instant::now().checked_add(duration));
    let mut gathered: Option<Instant> = None;
    let mut beat: Option<Instant> = None;
    loop {
        tokio::select! {
            guard = drain.ring.readable_mut(), if gathered.is_none() => {
                guard.context("cannot wait for the ring buffer")?.clear_ready();
                gathered = Some(Instant::now() + GATHER);
            }
            () = at(gathered.or(beat)), if gathered.or(beat).is_some() => {
                // Records that came while others gathered may still be out of order, so one more look follows.
                let more = drain.take(sink)?;
                gathered = more.map(|wait| Instant::now() + wait);
                let moves = drain.in_flight.has_somebody() || sink.is_moving();
                beat = moves.then(|| Instant::now() + BEAT);
                sink.ring_read(more.is_none())?;
                if let Some(stop) = sink.over() {
                    return Ok(stop);
                }
                // What else runs in this event loop gets its turn, too, where records come as fast as they are taken.
                yield_now().await;
            }
            woken = sink.wake() => {
                woken?;
                if let Some(stop) = sink.over() {
                    return Ok(stop);
                }
            }
            () = signals.any() => {
                if let Some(child) = &child {
                    // It may have had the same signal from the terminal; then this does nothing.
                    terminate(child);
                }
                return Ok(Stop::Signal);
            }
            () = at(deadline), if deadline.is_some() => return Ok(Stop::Duration),
            status = ended(&mut child), if child.is_some() => {
                return Ok(Stop::Command(status.context("cannot wait for the command")?));
            }
        }
    }
}

/// Asks the command to end, as perf does. One that has ended already is not asked.
fn terminate(child: &Child) {
    let raw = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(process) = raw.and_then(rustix::process::Pid::from_raw) {
        // It may have gone in this moment.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

async fn ended(child: &mut Option<Child>) -> std::io::Result<ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => std::future::pending().await,
    }
}

/// The ring, and what is read beside it.
struct Drain {
    ring: AsyncFd<aya::maps::RingBuf<aya::maps::MapData>>,
    counters: super::counters::Counters,
    logger: Option<Logger>,
    in_flight: InFlight,
    cgroups: Cgroups,
}

impl Drain {
    /// Takes what the ring holds, then a tick. Tells in how long it is worth another look, where there was anything, or is more to be done.
    fn take(&mut self, sink: &mut impl Sink) -> Result<Option<Duration>> {
        // Once, and not for each record: a tick may be too early, never too late, and this clock can cost a system call.
        let before = now();
        let mut turn = Turn::default();
        while !turn.is_over()
            && let Some(record) = self.ring.get_mut().next()
        {
            self.in_flight.see(&record);
            self.cgroups.see(&record);
            sink.record(&without_addresses(&record))?;
            turn.took(&record);
        }
        if let Some(logger) = &mut self.logger {
            logger.flush();
        }
        for (id, path) in self.cgroups.found() {
            sink.record(&identity().cgroup(before, id, &path))?;
        }
        sink.record(&identity().tick(before, self.counters.read()))?;
        Ok(if turn.is_over() {
            Some(Duration::ZERO)
        } else {
            (turn.taken > 0 || self.cgroups.are_owed()).then_some(GATHER)
        })
    }
}

/// What is taken from the ring before signals, the time and the command get their turn: as much as it holds. So all that was in it
/// when the turn began is taken then, and records that come as fast as they are taken keep nobody waiting.
#[derive(Default)]
struct Turn {
    /// Bytes of the ring.
    taken: usize,
}

impl Turn {
    /// The kernel's header of a record in the ring (`BPF_RINGBUF_HDR_SZ`, include/uapi/linux/bpf.h).
    const HEAD: usize = 8;

    fn took(&mut self, record: &[u8]) {
        self.taken += Self::HEAD + record.len();
    }

    fn is_over(&self) -> bool {
        self.taken >= RING_BYTES as usize
    }
}

/// Who makes the records of user space.
pub(crate) fn identity() -> Identity {
    let raw = |pid: rustix::process::Pid| pid.as_raw_nonzero().get().unsigned_abs();
    Identity {
        tid: Tid(raw(rustix::thread::gettid())),
        tgid: Tgid(raw(rustix::process::getpid())),
    }
}

/// The signals that end tracing. A hang-up does not where it was ignored before: that is what `nohup` is for.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let hangup = SignalKind::hangup();
        Ok(Self {
            hangup: (!is_ignored(hangup)).then(|| listen(hangup)).transpose()?,
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for one of them.
    pub(crate) async fn any(&mut self) {
        let Self {
            interrupt,
            terminate,
            hangup,
        } = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            Some(()) = async { hangup.as_mut()?.recv().await } => {}
        }
    }
}

/// Whether this process was started with the signal ignored. Listening changes that.
fn is_ignored(signal: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal.as_raw_value() - 1) & 1 == 1)
}

/// Detaching and writing the rest take a moment, and a pipe that nobody reads takes nothing at all: who presses Ctrl-C again does not
/// want to wait for it.
fn exit_on_second_interrupt() {
    // Where there is no thread to be had, it is waited for.
    let _ = std::thread::Builder::new().spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            if let Ok(mut interrupt) = signal(SignalKind::interrupt())
                && interrupt.recv().await.is_some()
                && interrupt.recv().await.is_some()
            {
                std::process::exit(130);
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_when_all_is_taken_that_was_in_the_ring() {
        for len in [32, 1_064] {
            let mut turn = Turn::default();
            let mut bytes = 0;
            while !turn.is_over() {
                turn.took(&vec![0; len]);
                bytes += len + 8;
            }
            assert!(
                (RING_BYTES as usize..RING_BYTES as usize + len + 8).contains(&bytes),
                "{bytes}"
            );
        }
    }
}
