//! The kernel's own ring: all there is of the time before the tracer was attached.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use kmodtrace_core::kernel::ring::{EVENTS, Ring, WORDS, is_traced};
use kmodtrace_core::model::Ktime;

use crate::live::facts::tracefs;

/// What it has until then; none where this command line did not turn it on, and where it is not there to be read.
pub(super) fn read(command_line: &str, until: Ktime) -> Option<Ring> {
    EVENTS.iter().find(|event| is_traced(command_line, event))?;
    let tracefs = Path::new(tracefs()?);
    // Who changes the clock empties the ring.
    let clock = fs::read_to_string(tracefs.join("trace_clock")).ok()?;
    clock.contains("[mono]").then_some(())?;
    Ring::read(BufReader::new(File::open(tracefs.join("trace")).ok()?), until).ok()
}

/// Whether it is on in this boot, in a line.
pub(crate) fn ring_status() -> String {
    let command_line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    if EVENTS.iter().all(|event| is_traced(&command_line, event)) {
        "the kernel's own ring is on in this boot: it has what was before attaching".to_owned()
    } else {
        format!(
            "the kernel's own ring is off in this boot: what was before attaching is not observed; {WORDS} on the kernel's command line \
             changes that"
        )
    }
}
