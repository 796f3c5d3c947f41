//! Writing a recording.

use super::pack::{pack, packer};
use super::{BlockHead, Crc, Header, frames};
use crate::records::decode::TickBytes;
use kmodtrace_common::record;
use std::io::{self, Write};
use zerocopy::{FromBytes as _, IntoBytes as _};
use zstd::zstd_safe::{CCtx, compress_bound};

/// Content at which a block is written: enough for zstd to find repetitions in, little to lose when the tracer is killed.
const BLOCK: usize = 64 << 10;

/// Writes records to a recording. Each block goes out in one `write_all`; after an error nothing more is written, so at
/// most the last block of the file is torn.
pub struct Writer<W> {
    output: W,
    header_crc: Crc,
    packer: CCtx<'static>,
    content: Vec<u8>,
    records: u32,
    written: u64,
    failed: bool,
}

impl<W: Write> Writer<W> {
    /// Writes the header at once, so that even a recording without records says what it is.
    pub fn new(mut output: W, header: &Header) -> io::Result<Self> {
        let mut packer = packer()?;
        let (frames, header_crc) = frames::write(header, &mut packer)?;
        output.write_all(&frames)?;
        output.flush()?;
        Ok(Self {
            output,
            header_crc,
            packer,
            content: Vec::new(),
            records: 0,
            written: frames.len() as u64,
            failed: false,
        })
    }

    /// Adds one record, exactly as the ring held it. It reaches the file with its block.
    pub fn push(&mut self, record: &[u8]) -> io::Result<()> {
        let stated = record::Header::read_from_prefix(record).map(|(header, _)| usize::from(header.size));
        if stated != Ok(record.len()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a record that does not state its own size",
            ));
        }
        self.content.extend_from_slice(record);
        self.records += 1;
        if self.content.len() >= BLOCK {
            self.flush_block()
        } else {
            Ok(())
        }
    }

    /// Bytes that the recording has at the most, if it ends with these records and a trailer.
    pub fn size_with(&self, record: &[u8]) -> u64 {
        let block = |content| BlockHead::SIZE + compress_bound(content);
        let rest = block(self.content.len() + record.len()) + block(size_of::<TickBytes>());
        self.written + rest as u64
    }

    /// Writes what was pushed since the last block, if anything.
    pub fn flush_block(&mut self) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier write of the recording failed"));
        }
        if self.records == 0 {
            return Ok(());
        }
        let written = self.write_block();
        self.failed = written.is_err();
        self.content.clear();
        self.records = 0;
        written
    }

    fn write_block(&mut self) -> io::Result<()> {
        let data = pack(&mut self.packer, &self.content)?;
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
        let head = BlockHead::new(length(&data)?, length(&self.content)?, self.records, &self.header_crc);
        self.output.write_all(&[head.as_bytes(), &data].concat())?;
        self.written += (BlockHead::SIZE + data.len()) as u64;
        self.output.flush()
    }

    /// Gives the output back as it is: whoever cuts a recording short, or has written its trailer as a record, needs no other end.
    pub fn into_output(self) -> W {
        self.output
    }

    /// Ends the recording with its trailer, and gives the output back.
    pub fn finish(mut self, trailer: &TickBytes) -> io::Result<W> {
        self.push(trailer)?;
        self.flush_block()?;
        Ok(self.output)
    }
}
