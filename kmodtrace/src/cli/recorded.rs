//! The recording that a command reads, and how it tells times.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use kmodtrace_core::model::Zero;
use kmodtrace_core::recording::Header;

use super::DEFAULT_FILE;

/// Which recording.
#[derive(Args, Debug)]
pub(crate) struct Recorded {
    /// Recording to read: a file, a folder (the newest recording in it), or - for stdin [default: kmodtrace.data]
    #[arg(value_name = "FILE", conflicts_with = "from")]
    file: Option<PathBuf>,
    /// The same as FILE
    #[arg(long, short = 'i', visible_alias = "input", value_name = "FILE")]
    from: Option<PathBuf>,
}

impl Recorded {
    /// This one.
    pub(crate) fn of(path: PathBuf) -> Self {
        Self {
            file: Some(path),
            from: None,
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        let path = self.file.as_deref().or(self.from.as_deref());
        path.unwrap_or(Path::new(DEFAULT_FILE))
    }
}

/// Times in text.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// What times are counted from
    #[arg(long, value_enum, default_value_t = Time::Boot)]
    time: Time,
}

/// The zero of times.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Time {
    /// Seconds since the kernel started, as in dmesg
    #[default]
    Boot,
    /// Date and time of day, in UTC
    Wall,
    /// Seconds since the recording began
    Relative,
}

impl Times {
    /// The zero of a recording's times.
    pub(crate) fn zero(self, header: &Header) -> Zero {
        match self.time {
            Time::Boot => Zero::Boot,
            Time::Wall => Zero::Wall(header.clock),
            Time::Relative => Zero::At(header.clock.monotonic_ns),
        }
    }
}
