//! The log: one JSON object a line, and the check of what the arrangement forces against what came back.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::call::Made;
use crate::expect::Expect;
use crate::json::Object;
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
        let mut object = Object::new();
        object.string("scenario", scenario);
        object.string("kernel", &kernel.release);
        self.line(&object)
    }

    /// One call. `module` is none where the kernel cannot know it either.
    pub(crate) fn call(&mut self, syscall: &str, module: Option<&str>, made: &Made, expect: &Expect) -> Result<()> {
        self.calls += 1;
        let mut object = Object::new();
        object.number("tid", i64::from(made.tid));
        object.number("tgid", i64::from(made.tgid));
        object.string("syscall", syscall);
        object.string_or_null("module", module);
        object.number("start_ns", made.start_ns);
        object.number("end_ns", made.end_ns);
        object.number_or_null("errno", made.errno.map(i64::from));
        if made.errno.is_none() {
            object.yes("killed");
        }
        object.object("expect", &expect.json());
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
        self.line(&object)
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
        let mut object = Object::new();
        object.string("summary", what);
        object.number("calls", calls);
        object.number("duration_ms", time.as_millis());
        self.line(&object)
    }

    fn line(&mut self, object: &Object) -> Result<()> {
        writeln!(self.out, "{object}").context("cannot write the log")
    }
}
