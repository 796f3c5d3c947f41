//! `kmodtrace record`: the bytes that the ring held, into a file.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use kmodtrace_core::decode::TickBytes;
use kmodtrace_core::event::Counters;
use kmodtrace_core::facts::KernelFacts;
use kmodtrace_core::recording::{self, Clock, Header, Kernel, Writer};
use kmodtrace_core::units::Ktime;
use serde_json::json;

use super::workload;
use crate::cli::Record;
use crate::failure::{FAILED, failure};
use crate::live::attach::Tracer;
use crate::live::pump::{self, Sink, Until, now};
use crate::live::start::start;

/// A block is written at least this often while records come, so a killed tracer loses no more than that.
const FLUSH_NS: u64 = 250_000_000;

/// Records until a signal, the duration, or the command's end.
pub(crate) fn run(args: &Record, quiet: bool, bpf_log: bool) -> Result<ExitCode> {
    let target = Target::new(&args.output)?;
    workload::find(&args.command)?;
    let (tracer, facts) = start(bpf_log)?;
    let header = header(&tracer, &facts, args);
    let writer = Writer::new(target.open()?, &header).map_err(|error| target.error(&error))?;
    let mut sink = Recorder { target: &target, writer, flushed: now(), attempts: 0, records: 0 };
    let (stop, trailer) = super::block_on(async {
        let child = workload::start(&args.command)?;
        pump::run(tracer, Until { child, duration: args.duration }, &mut sink).await
    })?;
    let summary = sink.finish(&trailer)?;
    if !quiet {
        eprintln!("{summary}");
    }
    Ok(workload::status(&stop))
}

fn header(tracer: &Tracer, facts: &KernelFacts, args: &Record) -> Header {
    let uname = rustix::system::uname();
    let kernel = Kernel {
        release: facts.environment.release.clone(),
        version: uname.version().to_string_lossy().into_owned(),
        arch: facts.environment.arch.clone(),
    };
    let clock = Clock { monotonic_ns: now(), realtime_ns: realtime() };
    let check = kmodtrace_core::plan::check(facts, &tracer.plan);
    let coverage = tracer.plan.coverage();
    let plan = json!({ "probes": check.probes, "coverage": coverage });
    let mut header = Header::new(env!("CARGO_PKG_VERSION"), kernel, clock, facts.environment.cpus, plan);
    header.unobserved = coverage.unobserved().to_vec();
    header.facts = serde_json::to_value(facts).ok();
    header.command = (!args.command.is_empty())
        .then(|| args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect());
    header
}

fn realtime() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Where the recording goes.
struct Target {
    path: PathBuf,
    stdout: bool,
}

impl Target {
    /// Looks at what is there before anything is attached: bad news come early.
    fn new(path: &Path) -> Result<Self> {
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
struct Recorder<'t> {
    target: &'t Target,
    writer: Writer<Box<dyn Write>>,
    flushed: Ktime,
    attempts: u64,
    records: u64,
}

impl Sink for Recorder<'_> {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        let kind = bytes.first_chunk().map(|kind| u16::from_ne_bytes(*kind));
        self.attempts += u64::from(kind == Some(kmodtrace_common::kind::ATTEMPT_EXIT));
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

impl Recorder<'_> {
    fn finish(self, trailer: &TickBytes) -> Result<String> {
        let Self { target, writer, attempts, records, .. } = self;
        writer.finish(trailer).and_then(|mut output| output.flush()).map_err(|error| target.error(&error))?;
        let place = if target.stdout { "stdout".to_owned() } else { target.path.display().to_string() };
        let Counters { dropped, missed, clipped } = counters(trailer);
        Ok(format!(
            "kmodtrace: {attempts} system calls, {records} records in {place}; lost {dropped}, missed {missed}, clipped {clipped}"
        ))
    }
}

/// The counters, from the trailer as it was written: the summary says what the file says.
fn counters(trailer: &TickBytes) -> Counters {
    match kmodtrace_core::decode::decode(trailer).map(|event| event.fact) {
        Ok(kmodtrace_core::event::Fact::Trailer(counters)) => counters,
        _ => Counters::default(),
    }
}
