//! A recording as it is written: where it goes, and the bytes that the ring held.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use kmodtrace_core::model::Ktime;
use kmodtrace_core::recording::{self, Header, Writer};
use kmodtrace_core::records::decode::{TickBytes, decode};
use kmodtrace_core::records::event::{Counters, Fact};
use rustix::fs::{FlockOperation, flock};

use crate::failure::{FAILED, failure};
use crate::live::pump::{Sink, now};

/// A block is written at least this often while records come, so a killed tracer loses no more than that.
const FLUSH_NS: u64 = 250_000_000;

/// Where the recording goes.
pub(crate) struct Target {
    path: PathBuf,
    place: Place,
}

/// What is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Stdout,
    /// A device or a pipe, which is written into as it is.
    Device,
    /// A recording, which is kept as `.old`, or nothing.
    File,
}

impl Target {
    /// Looks at what is there before anything is attached: bad news come early.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let place = if path == Path::new("-") {
            Place::Stdout
        } else {
            place(path)?
        };
        Ok(Self {
            path: path.to_owned(),
            place,
        })
    }

    /// The command that shows what is recorded, where that stays.
    pub(crate) fn next(&self) -> Option<String> {
        (self.place == Place::File).then(|| format!("kmodtrace report {}", self.path.display()))
    }

    fn open(&self) -> Result<Box<dyn Write>> {
        let file = match self.place {
            Place::Stdout => return Ok(Box::new(io::stdout())),
            Place::Device => File::options().write(true).open(&self.path),
            Place::File => self
                .keep_older()
                .and_then(|()| File::create_new(&self.path))
                .inspect(lock),
        };
        Ok(Box::new(file.map_err(|error| {
            failure(FAILED, format!("cannot write {}: {error}", self.path.display()))
        })?))
    }

    fn keep_older(&self) -> io::Result<()> {
        if !self.path.exists() {
            return Ok(());
        }
        let mut old = self.path.clone().into_os_string();
        old.push(".old");
        fs::rename(&self.path, &old)
    }

    fn error(&self, error: &io::Error) -> anyhow::Error {
        if self.place == Place::Stdout && error.kind() == io::ErrorKind::BrokenPipe {
            return io::Error::from(io::ErrorKind::BrokenPipe).into();
        }
        failure(
            FAILED,
            format!("cannot write {self}: {error}; what was written before can be read"),
        )
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Stdout => f.write_str("stdout"),
            Place::Device | Place::File => self.path.display().fmt(f),
        }
    }
}

/// Locks a recording for as long as it is written, which ends with this process however that ends: who follows it knows by
/// that whether more may come. Nobody is kept from reading it.
fn lock(file: &File) {
    // Some file systems have no locks; there nobody can follow.
    let _ = flock(file, FlockOperation::NonBlockingLockExclusive);
}

fn place(path: &Path) -> Result<Place> {
    let refuse = |text: String| Err(failure(FAILED, text));
    match path.metadata() {
        Ok(found) if found.is_dir() => {
            return refuse(format!("{} is a directory: name a file in it with -o", path.display()));
        }
        Ok(found) if !found.is_file() => return Ok(Place::Device),
        // An empty file holds nothing that could be lost.
        Ok(found) if found.len() > 0 && !is_recording(path)? => {
            return refuse(format!(
                "{} exists and is not a recording: choose another name with -o",
                path.display()
            ));
        }
        Ok(_) | Err(_) => {}
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // The dot makes sure that it is a folder.
    match rustix::fs::access(folder.join("."), rustix::fs::Access::WRITE_OK) {
        Ok(()) => Ok(Place::File),
        Err(error) => refuse(format!(
            "cannot write into {}: {}",
            folder.display(),
            io::Error::from(error)
        )),
    }
}

/// Whether a file begins as recordings do.
pub(crate) fn is_recording(path: &Path) -> Result<bool> {
    let mut magic = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(4)
        .read_to_end(&mut magic)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(magic == recording::MAGIC)
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
        Ok(Self {
            target,
            writer,
            flushed: now(),
            calls: 0,
            records: 0,
        })
    }

    /// Ends the recording, and sums it up in a line.
    pub(crate) fn finish(self, trailer: &TickBytes) -> Result<String> {
        let Self {
            target,
            writer,
            calls,
            records,
            flushed: _,
        } = self;
        writer
            .finish(trailer)
            .and_then(|mut output| output.flush())
            .map_err(|error| target.error(&error))?;
        let Counters {
            dropped,
            missed,
            clipped,
        } = counters(trailer);
        Ok(format!(
            "{calls} system calls, {records} records in {target}; lost {dropped}, missed {missed}, clipped {clipped}"
        ))
    }
}

impl Sink for Recorder {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        let kind = bytes.first_chunk().map(|kind| u16::from_ne_bytes(*kind));
        self.calls += u64::from(kind == Some(kmodtrace_common::kind::ATTEMPT_EXIT));
        self.records += u64::from(kind.is_some_and(|kind| kind < kmodtrace_common::kind::TICK));
        self.writer.push(bytes).map_err(|error| self.target.error(&error))
    }

    fn ring_emptied(&mut self, idle: bool) -> Result<()> {
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
