//! The log: one JSON object a line, and the check of what the arrangement forces against what came back.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::call::{Call, Made};
use crate::expect::Expect;
use crate::kernel::Kernel;

/// Where calls are written down.
pub(crate) struct Log {
    out: Box<dyn Write>,
    start: Instant,
    calls: usize,
    surprises: Vec<String>,
    total_calls: usize,
    total_time: Duration,
}

impl Log {
    /// To a file, or to stdout.
    pub(crate) fn to(path: Option<&Path>) -> Result<Self> {
        let out: Box<dyn Write> = match path {
            Some(path) => Box::new(File::create(path).with_context(|| format!("cannot make {}", path.display()))?),
            None => Box::new(io::stdout()),
        };
        Ok(Self {
            out: Box::new(io::LineWriter::new(out)),
            start: Instant::now(),
            calls: 0,
            surprises: Vec::new(),
            total_calls: 0,
            total_time: Duration::ZERO,
        })
    }

    /// The first line of a scenario.
    pub(crate) fn begin(&mut self, scenario: &str, kernel: &Kernel) -> Result<()> {
        self.start = Instant::now();
        self.calls = 0;
        self.line(&json!({ "scenario": scenario, "kernel": kernel.release }))
    }

    /// One call. `module` is none where the kernel cannot know it either.
    pub(crate) fn call(&mut self, call: Call, module: Option<&str>, made: &Made, expect: &Expect) -> Result<()> {
        let syscall = call.name();
        self.calls += 1;
        if !expect.holds(made.errno) {
            let got = made
                .errno
                .map_or("was killed".to_owned(), |errno| format!("got errno {errno}"));
            let forced = expect.outcome();
            self.surprises.push(format!(
                "{syscall} of {} by task {} {got}, forced is {forced}",
                module.unwrap_or("no module"),
                made.tid
            ));
        }
        self.line(&json!({
            "tid": made.tid,
            "tgid": made.tgid,
            "syscall": syscall,
            "module": module,
            "path": call.path(),
            "args": call.args(),
            "start_ns": made.start_ns,
            "end_ns": made.end_ns,
            "errno": made.errno,
            "killed": made.errno.is_none(),
            "expect": expect.json(),
        }))
    }

    /// The last line of a scenario; an error when an errno was not the forced one.
    pub(crate) fn end(&mut self, scenario: &str) -> Result<()> {
        let time = self.start.elapsed();
        self.total_calls += self.calls;
        self.total_time += time;
        self.summary(scenario, self.calls, time)?;
        let surprises = std::mem::take(&mut self.surprises);
        ensure!(surprises.is_empty(), "{}", surprises.join("; "));
        Ok(())
    }

    /// The last line of several scenarios.
    pub(crate) fn total(&mut self) -> Result<()> {
        self.summary("all", self.total_calls, self.total_time)
    }

    fn summary(&mut self, what: &str, calls: usize, time: Duration) -> Result<()> {
        self.line(&json!({ "summary": what, "calls": calls, "duration_ms": time.as_secs_f64() * 1e3 }))
    }

    fn line(&mut self, object: &Value) -> Result<()> {
        writeln!(self.out, "{object}").context("cannot write the log")
    }
}
