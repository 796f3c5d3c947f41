//! What a recording holds, as metrics.

use std::path::Path;

use anyhow::Result;
use kmodtrace_core::recording::Header;
use kmodtrace_metrics::Meter;

use crate::replay::{self, Replay};

/// A recording as metrics.
pub(crate) struct Metered {
    /// What is whole.
    pub(crate) meter: Meter,
    /// What it says of itself.
    pub(crate) header: Header,
    /// The damage after which there is no more.
    pub(crate) ended: Result<()>,
}

/// What is whole of one that was read before, from its beginning.
pub(crate) fn again(recording: &Replay, modules: u16) -> Meter {
    let mut meter = Meter::new(recording.header(), modules.into());
    recording.each_again(|bytes| meter.push(bytes));
    meter.flush();
    meter
}

/// Reads it, telling so many names of modules apart.
pub(crate) fn read(path: &Path, modules: u16, quiet: bool) -> Result<Metered> {
    let mut recording = replay::open(path)?;
    let mut meter = Meter::new(recording.header(), modules.into());
    let ended = recording.each(|bytes, _| Ok(meter.push(bytes)?));
    meter.flush();
    recording.warn(quiet);
    let header = recording.header().clone();
    Ok(Metered { meter, header, ended })
}
