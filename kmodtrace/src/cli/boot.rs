//! The command line of `kmodtrace boot`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use kmodtrace_core::report::Boots;

use super::{Comparing, Labels, Reporting, duration, size};
use crate::output::Format;

/// Tracing of boots.
#[derive(Debug, Subcommand)]
pub(crate) enum Boot {
    /// Trace the next boots from their beginning: installs units and, where there is an initramfs, a hook, and rebuilds it
    Enable(BootEnable),
    /// Trace boots no longer; recordings of boots are kept
    Disable(BootDisable),
    /// Say whether boots are traced, and what became of the recording of this one
    Status,
    /// List the recorded boots
    List(BootList),
    /// Summarize a recorded boot
    Report(BootReport),
    /// Compare two recorded boots, or two sets of them
    Diff(BootDiff),
    /// End the recording of this boot now, and keep it
    Stop,
    /// Write an archive that a boot loader gives to the kernel beside the initramfs, to trace a boot and change nothing of the system:
    /// with rdinit=/kmodtrace-init on the kernel's command line; boot stop keeps the recording
    Cpio(BootCpio),
    /// Trace this boot: what hooks and units run
    #[command(hide = true)]
    Trace(BootTrace),
    /// Keep the recording of this boot once the boot is over: what a unit runs
    #[command(hide = true)]
    Keep(BootKeep),
}

/// Which tool makes the initramfs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InitramfsTool {
    /// The one that is installed
    Auto,
    /// Debian's and Ubuntu's
    InitramfsTools,
    /// Fedora's, SUSE's and others
    Dracut,
    /// Arch's
    Mkinitcpio,
    /// None: tracing begins in the real root, and loads before are not seen
    None,
}

/// Enabling.
#[derive(Args, Debug)]
pub(crate) struct BootEnable {
    /// Trace the next boot only
    #[arg(long)]
    pub(crate) once: bool,
    /// Tool that makes the initramfs
    #[arg(long, value_name = "TOOL", value_enum, default_value_t = InitramfsTool::Auto)]
    pub(crate) initramfs: InitramfsTool,
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Number of boots whose recordings are kept
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: u32,
    /// End a recording before it has more bytes than that (1M is 1024K): until the boot is over it is in memory
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size)]
    pub(crate) max_size: u64,
    #[command(flatten)]
    pub(crate) labels: Labels,
}

/// An archive.
#[derive(Args, Debug)]
pub(crate) struct BootCpio {
    /// File to write; - is stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Disabling.
#[derive(Args, Debug)]
pub(crate) struct BootDisable {
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Listing.
#[derive(Args, Debug)]
pub(crate) struct BootList {
    #[command(flatten)]
    pub(crate) format: Format<Boots>,
}

/// A report of a boot.
#[derive(Args, Debug)]
pub(crate) struct BootReport {
    /// Boot: its id, or the beginning of it; -1 is the one recorded last
    #[arg(value_name = "BOOT", default_value = "-1", allow_hyphen_values = true)]
    pub(crate) boot: String,
    #[command(flatten)]
    pub(crate) reporting: Reporting,
}

/// A comparison of boots.
#[derive(Args, Debug)]
pub(crate) struct BootDiff {
    /// Boots to compare with, with commas between: their ids, or the beginnings of them; -1 is the one recorded last
    #[arg(value_name = "A,...", default_value = "-2", allow_hyphen_values = true)]
    pub(crate) first: String,
    /// Boots that are compared, given alike
    #[arg(value_name = "B,...", default_value = "-1", allow_hyphen_values = true)]
    pub(crate) second: String,
    #[command(flatten)]
    pub(crate) comparing: Comparing,
}

/// The tracer of a boot.
#[derive(Args, Debug)]
pub(crate) struct BootTrace {
    /// Go on in the background once attached, or after 10 s
    #[arg(long)]
    pub(crate) detach: bool,
    /// Longest time, from attaching on
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub(crate) at_most: Duration,
    /// End before the recording has more bytes than that
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size)]
    pub(crate) max_size: u64,
    #[command(flatten)]
    pub(crate) labels: Labels,
}

/// What ends it.
#[derive(Args, Debug)]
pub(crate) struct BootKeep {
    /// The boot is over when systemd has reached its default target, udev has nothing to do, and nothing was recorded for so long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) quiet_for: Duration,
    /// Number of boots whose recordings are kept
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) keep: u32,
    /// Then trace boots no longer
    #[arg(long)]
    pub(crate) once: bool,
}
