//! A recording as it is written: where it goes, what stands at its head, and the bytes that the ring held.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use kmodtrace_core::decode::{TickBytes, decode};
use kmodtrace_core::event::{Counters, Fact};
use kmodtrace_core::facts::KernelFacts;
use kmodtrace_core::plan::check;
use kmodtrace_core::recording::{self, Clock, Header, Kernel, Writer};
use kmodtrace_core::units::Ktime;
use serde_json::json;

use crate::failure::{FAILED, failure};
use crate::live::attach::Tracer;
use crate::live::pump::{Sink, now};

/// A block is written at least this often while records come, so a killed tracer loses no more than that.
const FLUSH_NS: u64 = 250_000_000;

/// The head of the recording that this tracer makes: the kernel, the facts, the plan as attaching left it.
pub(crate) fn header(tracer: &Tracer, facts: &KernelFacts, command: &[OsString]) -> Header {
    let uname = rustix::system::uname();
    let kernel = Kernel {
        release: facts.environment.release.clone(),
        version: uname.version().to_string_lossy().into_owned(),
        arch: facts.environment.arch.clone(),
    };
    let clock = Clock { monotonic_ns: now(), realtime_ns: realtime() };
    let coverage = tracer.plan.coverage();
    let plan = json!({ "probes": check(facts, &tracer.plan).probes, "coverage": coverage });
    let mut header = Header::new(env!("CARGO_PKG_VERSION"), kernel, clock, facts.environment.cpus, plan);
    header.unobserved = coverage.unobserved().to_vec();
    header.facts = serde_json::to_value(facts).ok();
    let words = || command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    header.command = (!command.is_empty()).then(words);
    header
}

fn realtime() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Where the recording goes.
pub(crate) struct Target {
    path: PathBuf,
    stdout: bool,
}

impl Target {
    /// Looks at what is there before anything is attached: bad news come early.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let target = Self { path: path.to_owned(), stdout: path == Path::new("-") };
        if target.stdout {
            return Ok(target);
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        rustix::fs::access(folder, rustix::fs::Access::WRITE_OK)
            .map_err(|error| failure(FAILED, format!("cannot write into {}: {}", folder.display(), io::Error::from(error))))?;
        if path.exists() && !is_recording(path)? {
            return Err(failure(FAILED, format!("{} is there and is no recording: choose another name with -o", path.display())));
        }
        Ok(target)
    }

    fn open(&self) -> Result<Box<dyn Write>> {
        if self.stdout {
            return Ok(Box::new(io::stdout()));
        }
        if self.path.exists() {
            let mut old = self.path.clone().into_os_string();
            old.push(".old");
            fs::rename(&self.path, &old).map_err(|error| self.error(&error))?;
        }
        Ok(Box::new(File::create_new(&self.path).map_err(|error| self.error(&error))?))
    }

    fn error(&self, error: &io::Error) -> anyhow::Error {
        if self.stdout && error.kind() == io::ErrorKind::BrokenPipe {
            return io::Error::from(io::ErrorKind::BrokenPipe).into();
        }
        failure(FAILED, format!("cannot write {}: {error}; what was written before can be read", self.path.display()))
    }
}

fn is_recording(path: &Path) -> Result<bool> {
    let mut magic = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(4).read_to_end(&mut magic).with_context(|| format!("cannot read {}", path.display()))?;
    // An empty file holds nothing that could be lost.
    Ok(magic.is_empty() || magic == recording::MAGIC)
}

/// Writes what comes, and counts it for the summary.
pub(crate) struct Recorder {
    target: Target,
    writer: Writer<Box<dyn Write>>,
    flushed: Ktime,
    calls: u64,
    records: u64,
}

impl Recorder {
    /// Opens the file and writes its header.
    pub(crate) fn new(target: Target, header: &Header) -> Result<Self> {
        let writer = Writer::new(target.open()?, header).map_err(|error| target.error(&error))?;
        Ok(Self { target, writer, flushed: now(), calls: 0, records: 0 })
    }

    /// Ends the recording, and sums it up in a line.
    pub(crate) fn finish(self, trailer: &TickBytes) -> Result<String> {
        let Self { target, writer, calls, records, flushed: _ } = self;
        writer.finish(trailer).and_then(|mut output| output.flush()).map_err(|error| target.error(&error))?;
        let place = if target.stdout { "stdout".to_owned() } else { target.path.display().to_string() };
        let Counters { dropped, missed, clipped } = counters(trailer);
        Ok(format!(
            "kmodtrace: {calls} system calls, {records} records in {place}; lost {dropped}, missed {missed}, clipped {clipped}"
        ))
    }
}

impl Sink for Recorder {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        let kind = bytes.first_chunk().map(|kind| u16::from_ne_bytes(*kind));
        self.calls += u64::from(kind == Some(kmodtrace_common::kind::ATTEMPT_EXIT));
        self.records += u64::from(kind != Some(kmodtrace_common::kind::TICK));
        self.writer.push(bytes).map_err(|error| self.target.error(&error))
    }

    fn settle(&mut self, idle: bool) -> Result<()> {
        let now = now();
        if idle || now.since(self.flushed).0 >= FLUSH_NS {
            self.writer.flush_block().map_err(|error| self.target.error(&error))?;
            self.flushed = now;
        }
        Ok(())
    }
}

/// The counters of a trailer: who sums up says what the trailer says.
pub(crate) fn counters(trailer: &TickBytes) -> Counters {
    match decode(trailer).map(|event| event.fact) {
        Ok(Fact::Trailer(counters)) => counters,
        _ => Counters::default(),
    }
}
