//! A recording as it is written: where it goes, and the bytes that the ring held.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use kmodtrace_core::model::{Ktime, RefusedCalls};
use kmodtrace_core::recording::{self, Header, Writer};
use kmodtrace_core::records::decode::{TickBytes, decode};
use kmodtrace_core::records::event::{Counters, Fact};
use kmodtrace_core::report::refused_text;
use rustix::fs::{FlockOperation, flock};

use crate::failure::{FAILED, failure};
use crate::live::pump::{Sink, Stop, now};

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

    /// The recording with its header. Before that is written, a file has another name: what is there already stays until then.
    fn begin(&self, header: &Header) -> io::Result<Writer<Box<dyn Write>>> {
        let begun = |file: File| Writer::new(Box::new(file) as Box<dyn Write>, header);
        match self.place {
            Place::Stdout => Writer::new(Box::new(io::stdout()), header),
            Place::Device => File::options().write(true).open(&self.path).and_then(begun),
            Place::File => {
                let mut new = self.path.clone().into_os_string();
                new.push(format!(".{}.new", std::process::id()));
                let file = File::create_new(&new).inspect(lock)?;
                let placed = || self.keep_older().and_then(|()| fs::rename(&new, &self.path));
                begun(file)
                    .and_then(|writer| placed().map(|()| writer))
                    .inspect_err(|_| {
                        // It holds nothing that anybody wants.
                        let _ = fs::remove_file(&new);
                    })
            }
        }
    }

    fn keep_older(&self) -> io::Result<()> {
        if !self.path.exists() {
            return Ok(());
        }
        let mut old = self.path.clone().into_os_string();
        old.push(".old");
        fs::rename(&self.path, &old)
    }

    /// `then` is what there is all the same.
    fn error(&self, error: &io::Error, then: &str) -> anyhow::Error {
        if self.place == Place::Stdout && error.kind() == io::ErrorKind::BrokenPipe {
            return io::Error::from(io::ErrorKind::BrokenPipe).into();
        }
        failure(FAILED, format!("cannot write {self}: {error}{then}"))
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

/// Said of a recording that cannot be gone on with.
const SO_FAR: &str = "; what was written before can be read";

/// Writes what comes, and counts it for the summary.
pub(crate) struct Recorder {
    target: Target,
    writer: Writer<Box<dyn Write>>,
    /// Bytes that it may have.
    most: Option<u64>,
    /// Whether it has them.
    full: bool,
    flushed: Ktime,
    calls: u64,
    refused: RefusedCalls,
    records: u64,
}

impl Recorder {
    /// Opens the file and writes its header. It never has more bytes than `most`, which the header has to fit into.
    pub(crate) fn new(target: Target, header: &Header, most: Option<u64>) -> Result<Self> {
        let writer = target.begin(header).map_err(|error| target.error(&error, ""))?;
        Ok(Self {
            target,
            writer,
            most,
            full: false,
            flushed: now(),
            calls: 0,
            refused: RefusedCalls::default(),
            records: 0,
        })
    }

    /// Ends the recording, and sums it up in a line.
    pub(crate) fn finish(self, trailer: &TickBytes) -> Result<String> {
        let Self {
            target,
            writer,
            full,
            calls,
            refused,
            records,
            ..
        } = self;
        writer
            .finish(trailer)
            .and_then(|mut output| output.flush())
            .map_err(|error| target.error(&error, SO_FAR))?;
        let Counters {
            dropped,
            missed,
            clipped,
        } = counters(trailer);
        let full = if full {
            "; it has the size that it may have, and what came later is not in it"
        } else {
            ""
        };
        let refused = refused_text(&refused.list()).map_or_else(String::new, |text| format!("; {text}"));
        Ok(format!(
            "{calls} system calls, {records} records in {target}; lost {dropped}, missed {missed}, clipped {clipped}{refused}{full}"
        ))
    }
}

impl Recorder {
    fn flush(&mut self) -> Result<()> {
        let flushed = self.writer.flush_block();
        flushed.map_err(|error| self.target.error(&error, SO_FAR))
    }

    /// Whether it takes one more; after one that it does not, it takes none.
    fn has_room(&mut self, record: &[u8]) -> Result<bool> {
        if let Some(most) = self.most.filter(|_| !self.full)
            && self.writer.size_with(record) > most
        {
            // Compressed, the others take less than was thought.
            self.flush()?;
            self.full = self.writer.size_with(record) > most;
        }
        Ok(!self.full)
    }
}

impl Sink for Recorder {
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.has_room(bytes)? {
            return Ok(());
        }
        let kind = bytes.first_chunk().map(|kind| u16::from_ne_bytes(*kind));
        self.calls += u64::from(kind == Some(kmodtrace_common::kind::ATTEMPT_EXIT));
        if kind == Some(kmodtrace_common::kind::REFUSED)
            && let Ok(Fact::Refused(refused)) = decode(bytes).map(|event| event.fact)
        {
            self.refused.add(&refused);
        }
        self.records += u64::from(kind.is_some_and(|kind| kind < kmodtrace_common::kind::TICK));
        self.writer
            .push(bytes)
            .map_err(|error| self.target.error(&error, SO_FAR))
    }

    fn ring_read(&mut self, idle: bool) -> Result<()> {
        let now = now();
        if idle || now.since(self.flushed).0 >= FLUSH_NS {
            self.flush()?;
            self.flushed = now;
        }
        Ok(())
    }

    fn over(&self) -> Option<Stop> {
        self.full.then_some(Stop::Full)
    }
}

/// The counters of a trailer: who sums up says what the trailer says.
pub(crate) fn counters(trailer: &TickBytes) -> Counters {
    match decode(trailer).map(|event| event.fact) {
        Ok(Fact::Trailer(counters)) => counters,
        _ => Counters::default(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use kmodtrace_core::model::{Clock, Ktime};
    use kmodtrace_core::recording::{End, Kernel, Reader};
    use kmodtrace_core::records::decode::split;
    use synth::{Storm, TRACER};

    use super::*;

    /// A storm into a file that may have so many bytes: why it took no more, the summary, how many bytes it has, and how it ends.
    fn recorded(most: u64) -> (Option<Stop>, String, u64, Option<End>) {
        let path = std::env::temp_dir().join(format!("kmodtrace-recorder-{}-{most}.kmt", std::process::id()));
        let kernel = Kernel {
            release: "6.1.0".to_owned(),
            version: String::new(),
            arch: "x86_64".to_owned(),
        };
        let clock = Clock {
            monotonic_ns: Ktime(1),
            realtime_ns: 2,
        };
        let header = Header::new("0", kernel, clock, 4, serde_json::Value::Null);
        let mut recorder = Recorder::new(Target::new(&path).unwrap(), &header, Some(most)).unwrap();
        for round in Storm::new(1_000) {
            split(&round).for_each(|record| recorder.record(record.unwrap()).unwrap());
        }
        let over = recorder.over();
        let trailer = TRACER.trailer(now(), Counters::default(), over.is_some());
        let summary = recorder.finish(&trailer).unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let mut reader = Reader::new(bytes.as_slice()).unwrap();
        while reader.next_record().unwrap().is_some() {}
        (over, summary, bytes.len() as u64, reader.end())
    }

    #[test]
    fn a_recording_that_is_full_ends_there_and_says_so() {
        let (over, summary, all, end) = recorded(1 << 30);
        assert!(over.is_none() && end == Some(End::Trailer), "{end:?}");
        assert!(summary.ends_with("clipped 0"), "{summary}");
        // The header has 32 kB.
        for most in [36_000, all - 1] {
            let (over, summary, bytes, end) = recorded(most);
            assert!(
                matches!(over, Some(Stop::Full)) && end == Some(End::Full),
                "{most}: {end:?}"
            );
            assert!(bytes <= most && bytes > most / 10 * 9, "{bytes} of {most}");
            assert!(summary.contains("what came later is not in it"), "{summary}");
        }
    }
}
