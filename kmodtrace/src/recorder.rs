//! A recording as it is written: the bytes that the ring held.

use std::fs::File;

use anyhow::Result;
use kmodtrace_core::model::{Ktime, RefusedCalls};
use kmodtrace_core::recording::{Header, Writer};
use kmodtrace_core::records::decode::{TickBytes, decode};
use kmodtrace_core::records::event::{Counters, Fact};
use kmodtrace_core::report::refused_text;

use crate::live::pump::{Sink, Stop, now};
use crate::target::Target;

/// How old a block may be before it is written. A killed tracer is to lose no more than a quarter of a second: what came first into a block
/// waits this long, then for the next look at the ring (`GATHER` of the pump), and then for a processor.
const FLUSH_NS: u64 = 100_000_000;

/// Said of a recording that cannot be gone on with.
const SO_FAR: &str = "; what was written before can be read";

/// Writes what comes, and counts it for the summary.
pub(crate) struct Recorder {
    target: Target,
    writer: Writer<File>,
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
        Ok(Self {
            writer: target.begin(header)?,
            target,
            most,
            full: false,
            flushed: now(),
            calls: 0,
            refused: RefusedCalls::default(),
            records: 0,
        })
    }

    /// Ends the recording, which is on the disk then, and sums it up in a line.
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
            .and_then(|file| target.sync(&file))
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
    use std::fs;

    use kmodtrace_core::recording::{End, Reader};
    use kmodtrace_core::records::decode::split;
    use synth::{Storm, TRACER};

    use super::*;

    /// A storm into a file that may have so many bytes: why it took no more, the summary, how many bytes it has, and how it ends.
    fn recorded(most: u64) -> (Option<Stop>, String, u64, Option<End>) {
        let path = std::env::temp_dir().join(format!("kmodtrace-recorder-{}-{most}.kmt", std::process::id()));
        let header = synth::header();
        let mut recorder = Recorder::new(Target::file(&path).unwrap(), &header, Some(most)).unwrap();
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
