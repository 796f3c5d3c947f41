//! What a recording holds, as metrics.

use std::path::Path;

use anyhow::Result;
use kmodtrace_metrics::Meter;

use crate::replay;

/// Reads it, telling so many names of modules apart. With what is whole comes the damage after which there is no more.
pub(crate) fn read(path: &Path, modules: u16, quiet: bool) -> Result<(Meter, Result<()>)> {
    let mut recording = replay::open(path)?;
    let mut meter = Meter::new(recording.header(), modules.into());
    let ended = recording.each(|bytes, _| Ok(meter.push(bytes)?));
    meter.flush();
    recording.warn(quiet);
    Ok((meter, ended))
}
