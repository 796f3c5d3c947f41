//! The JSON of <chrome://tracing>, which Perfetto, speedscope and others read too: "Trace Event Format", an object for each event.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Rest, Slice, Target, Track, each, missing};
use crate::report::Report;
use crate::text::write_json_line;

/// Modules are no tasks of the kernel's: they lie below a process that there is not, since none has a number below 0.
const MODULES: i64 = -1;
/// So do numbers.
const LEVELS: i64 = -2;

/// Writes it. A wait is an asynchronous event, because it may begin in one stage and end in another. Times are microseconds of `CLOCK_MONOTONIC` with
/// three decimals; `otherData` has what that was in real time, and what is missing.
pub fn write_chrome(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let began = report.recording.as_ref();
    let about = json!({
        "kernel": report.kernel,
        "clock_monotonic_ns": began.map(|recording| recording.began_ns),
        "clock_realtime_ns": began.map(|recording| recording.began_unix_ns),
        "quality": report.quality,
    });
    write!(out, "{{\"displayTimeUnit\":\"ns\",\"otherData\":")?;
    write_json_line(&about, out)?;
    writeln!(out, ",\"traceEvents\":[")?;
    let first = json!({ "ph": "i", "s": "g", "name": missing(&report.quality), "pid": LEVELS, "tid": 0,
                        "ts": micros(began.map_or(0, |recording| recording.began_ns)) });
    write_json_line(&first, out)?;
    let mut events = Events::new(out);
    let Rest { levels, targets } = each(report, |slice| events.slice(slice))?;
    for Target { arrow, time_ns, task } in targets {
        events.put(
            &json!({ "ph": "f", "bp": "e", "cat": "wait", "name": "waits for", "id": arrow, "pid": task.tgid, "tid": task.tid,
                            "ts": micros(time_ns) }),
        )?;
    }
    for (time_ns, level, value) in levels {
        events.put(&json!({ "ph": "C", "name": level.name(), "pid": LEVELS, "ts": micros(time_ns), "args": { "number": value } }))?;
    }
    for (pid, name) in [(MODULES, "modules"), (LEVELS, "kmodtrace")] {
        events.name("process_name", pid, 0, name)?;
    }
    writeln!(out, "]}}")
}

/// Microseconds, as the format wants them.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact up to 104 days, and then to some nanoseconds"
)]
fn micros(ns: u64) -> f64 {
    ns as f64 / 1_000.0
}

/// Events behind the first one.
struct Events<'o, W> {
    out: &'o mut W,
    /// Asynchronous ones: each has a number of its own.
    asynchronous: u64,
    /// Tasks and modules whose names are told.
    named: BTreeSet<(i64, u32)>,
}

impl<'o, W: Write> Events<'o, W> {
    fn new(out: &'o mut W) -> Self {
        Self {
            out,
            asynchronous: 0,
            named: BTreeSet::new(),
        }
    }

    fn put(&mut self, event: &Value) -> io::Result<()> {
        self.out.write_all(b",")?;
        write_json_line(event, self.out)
    }

    fn name(&mut self, what: &str, pid: i64, tid: u32, name: &str) -> io::Result<()> {
        self.put(&json!({ "ph": "M", "name": what, "pid": pid, "tid": tid, "args": { "name": name } }))
    }

    fn slice(&mut self, slice: Slice) -> io::Result<()> {
        let (pid, tid, is_asynchronous) = match slice.track {
            Track::Task(task) => (i64::from(task.tgid), task.tid, false),
            Track::Waits(task) | Track::Requests(task) => (i64::from(task.tgid), task.tid, true),
            Track::Module { number, name } => {
                if self.named.insert((MODULES, number)) {
                    self.name("thread_name", MODULES, number, &name)?;
                }
                (MODULES, number, false)
            }
        };
        if !slice.comm.is_empty() && self.named.insert((pid, tid)) {
            self.name("thread_name", pid, tid, &slice.comm)?;
            if pid == i64::from(tid) {
                self.name("process_name", pid, tid, &slice.comm)?;
            }
        }
        let notes: Map<String, Value> = slice
            .notes
            .into_iter()
            .map(|(name, note)| (name.to_owned(), note.into()))
            .collect();
        let mut event = json!({ "name": slice.name, "cat": slice.kind, "pid": pid, "tid": tid, "ts": micros(slice.start_ns), "args": notes });
        let end = slice
            .duration_ns
            .map(|duration| micros(slice.start_ns.saturating_add(duration)));
        if is_asynchronous {
            self.asynchronous += 1;
            event["ph"] = "b".into();
            event["id"] = self.asynchronous.into();
            self.put(&event)?;
            if let Some(end) = end {
                event["ph"] = "e".into();
                event["ts"] = end.into();
                self.put(&event)?;
            }
        } else {
            // One that has no end is one that only begins.
            event["ph"] = if slice.duration_ns.is_some() { "X" } else { "B" }.into();
            if let Some(duration) = slice.duration_ns {
                event["dur"] = micros(duration).into();
            }
            self.put(&event)?;
        }
        match slice.arrow {
            Some(arrow) => self.put(
                &json!({ "ph": "s", "cat": "wait", "name": "waits for", "id": arrow, "pid": pid, "tid": tid,
                                             "ts": micros(slice.start_ns) }),
            ),
            None => Ok(()),
        }
    }
}
