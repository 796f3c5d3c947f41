//! Tracing of boots: what is installed for it, the tracer that starts in the initramfs, and the recordings that are kept.
//!
//! The tracer writes to /run, which is there before the root file system is and lives on into the real root. A unit of the real root
//! ends it when the boot is over, and keeps the recording. Whatever fails on the way, the boot goes on.

mod chain;
mod cpio;
mod install;
mod keep;
mod reason;
mod ring;
mod step;
mod store;
mod systemd;
mod trace;
mod written;

pub(crate) use cpio::cpio;
pub(crate) use install::{Installed, disable, enable};
pub(crate) use keep::{Ending, keep};
pub(crate) use reason::{logged, told};
pub(crate) use ring::ring_status;
pub(crate) use step::Step;
pub(crate) use store::{Kept, find, find_all, list, this_one};
pub(crate) use trace::{detach, trace};
pub(crate) use written::{Running, running};

/// Where the tracer of this boot writes.
pub(crate) const RUN: &str = "/run/kmodtrace";
/// Its recording there.
const RECORDING: &str = "/run/kmodtrace/boot.kmt";
/// Begins the command line of the tracer: an @ tells systemd's last killing spree in the initramfs to spare it.
const NAME: &str = "@kmodtrace";
/// The process that writes it.
const PID: &str = "/run/kmodtrace/boot.pid";
/// Where recordings of boots are kept.
pub(crate) const STORE: &str = "/var/lib/kmodtrace/boots";
