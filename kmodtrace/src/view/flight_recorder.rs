//! The last of a live session's records, compressed in memory, so that they can be saved when something was seen.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::rc::Rc;

use kmodtrace_core::recording::{Header, Writer};
use kmodtrace_core::records::decode::TickBytes;

/// Bytes that are kept: some fifty thousand calls.
const KEPT: usize = 8 << 20;

/// A recording whose oldest blocks are forgotten.
pub(super) struct FlightRecorder {
    header: Header,
    writer: Writer<Blocks>,
    blocks: Blocks,
}

/// What a writer wrote: its head, and each block, for it writes a block at a time.
#[derive(Clone, Default)]
struct Blocks(Rc<RefCell<Kept>>);

#[derive(Default)]
struct Kept {
    head: Option<Vec<u8>>,
    blocks: VecDeque<Vec<u8>>,
    bytes: usize,
    forgotten: u64,
}

impl FlightRecorder {
    pub(super) fn new(header: &Header) -> io::Result<Self> {
        let blocks = Blocks::default();
        Ok(Self {
            header: header.clone(),
            writer: Writer::new(blocks.clone(), header)?,
            blocks,
        })
    }

    /// Takes one record.
    pub(super) fn push(&mut self, record: &[u8]) -> io::Result<()> {
        self.writer.push(record)
    }

    /// Writes all that is kept as a whole recording. Tells how many blocks were forgotten before.
    pub(super) fn save(&mut self, trailer: &TickBytes, out: &mut impl Write) -> io::Result<u64> {
        self.writer.flush_block()?;
        let kept = self.blocks.0.borrow();
        let head = kept.head.as_deref().unwrap_or_default();
        out.write_all(head)?;
        kept.blocks.iter().try_for_each(|block| out.write_all(block))?;
        // The last block of a recording with nothing else in it.
        let whole = Writer::new(Vec::new(), &self.header)?.finish(trailer)?;
        out.write_all(whole.get(head.len()..).unwrap_or_default())?;
        Ok(kept.forgotten)
    }
}

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.borrow_mut();
        if kept.head.is_none() {
            kept.head = Some(bytes.to_vec());
            return Ok(bytes.len());
        }
        kept.bytes += bytes.len();
        kept.blocks.push_back(bytes.to_vec());
        while kept.bytes > KEPT {
            let Some(oldest) = kept.blocks.pop_front() else { break };
            kept.bytes -= oldest.len();
            kept.forgotten += 1;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;
    use kmodtrace_core::recording::{End, Reader};
    use kmodtrace_core::records::decode::split;
    use synth::Storm;

    fn saved(attempts: u64) -> (u64, usize, Option<End>, usize) {
        let header = synth::header();
        let mut spool = FlightRecorder::new(&header).unwrap();
        let mut storm = Storm::new(attempts);
        for round in storm.by_ref() {
            split(&round).for_each(|record| spool.push(record.unwrap()).unwrap());
        }
        let mut bytes = Vec::new();
        let forgotten = spool.save(&storm.trailer(), &mut bytes).unwrap();
        let mut reader = Reader::new(bytes.as_slice()).unwrap();
        let mut records = 0;
        while reader.next_record().unwrap().is_some() {
            records += 1;
        }
        (forgotten, records, reader.end(), bytes.len())
    }

    #[test]
    fn what_is_kept_is_a_whole_recording() {
        let (forgotten, records, end, _) = saved(80);
        assert_eq!((forgotten, end), (0, Some(End::Trailer)));
        let all: usize = Storm::new(80).map(|round| split(&round).count()).sum();
        assert_eq!(records, all + 1);
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let (forgotten, _, end, bytes) = saved(120_000);
        assert!(forgotten > 0 && bytes < KEPT + (1 << 20), "{forgotten} {bytes}");
        assert_eq!(end, Some(End::Trailer));
    }
}
