//! Metrics on their way to a collector of OpenTelemetry, beside whatever else the event loop does: a thread of its own waits for that one.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use kmodtrace_core::recording::Header;
use kmodtrace_core::report::{KernelRow, RecordingRow, Source};
use kmodtrace_otlp::{Endpoint, metrics};
use tokio::time::{MissedTickBehavior, interval};
use tracing::info;

use super::shared::Shared;
use crate::failure::say;

/// How often they are sent, as in OpenTelemetry's own libraries.
const EVERY: Duration = Duration::from_mins(1);
/// How long the end waits for the last ones to arrive.
const TO_END: Duration = Duration::from_secs(5);

/// What sends them.
pub(crate) struct Sending {
    bodies: SyncSender<Vec<u8>>,
    ended: Receiver<()>,
    told: Told,
}

/// What is told of.
#[derive(Clone)]
struct Told {
    shared: Shared,
    kernel: KernelRow,
    recording: RecordingRow,
}

impl Sending {
    /// Begins with it, for as long as the event loop runs that this is called in.
    pub(crate) fn begin(endpoint: Endpoint, shared: &Shared, header: &Header, quiet: bool) -> Result<Self> {
        let source = Source::of_header(header);
        // One waits while another one is on its way. Sums are in each, so one that is left out is no loss.
        let (bodies, received) = mpsc::sync_channel(1);
        let (ending, ended) = mpsc::channel();
        let sending = thread::Builder::new().spawn(move || {
            send(&endpoint, &received, quiet);
            // Nobody waits where the end came first.
            let _ = ending.send(());
        });
        sending.context("cannot start a thread")?;
        let told = Told {
            shared: shared.clone(),
            kernel: source.kernel,
            recording: source.recording.unwrap_or_default(),
        };
        let this = Self {
            bodies: bodies.clone(),
            ended,
            told: told.clone(),
        };
        tokio::spawn(async move {
            let mut beats = interval(EVERY);
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                beats.tick().await;
                if bodies.try_send(told.body()).is_err() {
                    info!("metrics are left out: those before are still on their way");
                }
            }
        });
        Ok(this)
    }

    /// Sends what the metrics came to, and waits for that, but not for long. The event loop has ended by then.
    pub(crate) fn finish(self) {
        let _ = self.bodies.try_send(self.told.body());
        drop(self.bodies);
        if self.ended.recv_timeout(TO_END).is_err() {
            say("the last metrics may not have arrived: the collector did not answer in time");
        }
    }
}

impl Told {
    /// The metrics as of now.
    fn body(&self) -> Vec<u8> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.shared
            .read(|meter| metrics(meter, &self.kernel, &self.recording, now))
    }
}

/// Sends them one after the other. The first that does not arrive is told, and the next one that does.
fn send(endpoint: &Endpoint, bodies: &Receiver<Vec<u8>>, quiet: bool) {
    let mut arrives = true;
    for body in bodies {
        let sent = endpoint.metrics(&body);
        match &sent {
            Err(error) if arrives => say(format_args!(
                "metrics do not arrive: {error}; they are sent again each minute"
            )),
            Ok(refused) if *refused > 0 => info!("the collector refused {refused} of the metrics"),
            Ok(_) if !arrives && !quiet => say("metrics arrive again"),
            _ => {}
        }
        arrives = sent.is_ok();
    }
}
