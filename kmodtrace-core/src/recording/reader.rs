//! Reading a recording.

use super::input::Input;
use super::pack::{unpack, unpacker};
use super::{BLOCK_MAGIC, BOUND, BlockHead, Crc, End, Header, ReadError, Redactor, frames};
use crate::records::decode::{self, DecodeError};
use crate::records::event::{Event, Fact};
use kmodtrace_common::{kind, record};
use std::io::{self, Read, Seek};
use std::ops::Range;
use zerocopy::FromBytes as _;
use zstd::zstd_safe::DCtx;

/// Reads the records of a recording: raw by [`next_record`](Self::next_record), decoded as an iterator. It holds one
/// block in memory, and has looked at all of it before it yields the first record. After an error nothing follows.
pub struct Reader<R> {
    input: Input<R>,
    header: Header,
    header_crc: Crc,
    unpacker: DCtx<'static>,
    /// Where in the input the present block begins.
    block: u64,
    /// What was read last: the room is used again.
    data: Vec<u8>,
    content: Vec<u8>,
    /// Where in `content` the next record begins.
    next: usize,
    /// The end that the last record of `content` makes, where that is the trailer.
    trailer: Option<End>,
    redactor: Option<Redactor>,
    unknown: u64,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Open,
    Ended(End),
    Failed,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    pub fn new(input: R) -> Result<Self, ReadError> {
        let mut input = Input::new(input);
        let mut unpacker = unpacker().map_err(|source| ReadError::Io { offset: 0, source })?;
        let (header, header_crc) = frames::read(&mut input, &mut unpacker)?;
        Ok(Self {
            input,
            header,
            header_crc,
            unpacker,
            block: 0,
            data: Vec::new(),
            content: Vec::new(),
            next: 0,
            trailer: None,
            redactor: None,
            unknown: 0,
            state: State::Open,
        })
    }

    /// The same recording without what is private, before any of its records was read. Those of kinds that this build does not know are left out.
    #[must_use]
    pub fn redacted(mut self, mut redactor: Redactor) -> Self {
        redactor.header(&mut self.header);
        self.redactor = Some(redactor);
        self
    }

    /// What the recording says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How the recording ended; none before its end was reached, and when an error came first.
    pub fn end(&self) -> Option<End> {
        match self.state {
            State::Ended(end) => Some(end),
            State::Open | State::Failed => None,
        }
    }

    /// Records of kinds that this build does not know, among those decoded or left out so far.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Where in the input the block begins that the last record was in.
    pub fn block(&self) -> u64 {
        self.block
    }

    /// The next record, exactly as the ring held it, or [redacted](Self::redacted).
    pub fn next_record(&mut self) -> Result<Option<&[u8]>, ReadError> {
        loop {
            let Some(at) = self.step()? else { return Ok(None) };
            if self.redact(at.clone())? {
                return Ok(self.content.get(at));
            }
            self.unknown += 1;
        }
    }

    /// Redacts the record that lies there. False for one that is to be left out.
    fn redact(&mut self, at: Range<usize>) -> Result<bool, ReadError> {
        let redacted = self.redactor.as_mut().zip(self.content.get_mut(at.clone()));
        let redacted = redacted.map_or(Ok(true), |(redactor, record)| redactor.record(record));
        redacted.map_err(|source| self.misfit(at.start, source))
    }

    /// Where in `content` the next record lies.
    fn step(&mut self) -> Result<Option<Range<usize>>, ReadError> {
        while self.next == self.content.len() {
            if !matches!(self.state, State::Open) {
                return Ok(None);
            }
            let block = self.next_block();
            self.next = 0;
            self.state = match &block {
                Ok(None) => State::Open,
                Ok(Some(end)) => State::Ended(*end),
                Err(_) => State::Failed,
            };
            if !matches!(self.state, State::Open) {
                self.content.clear();
            }
            block?;
        }
        let rest = &self.content[self.next..];
        // The whole block was split when it was read, so the sizes lead from record to record.
        let size = record::Header::read_from_prefix(rest).map_or(rest.len(), |(header, _)| usize::from(header.size));
        let begin = self.next;
        self.next += size;
        Ok(Some(begin..self.next))
    }

    /// Nothing follows a record that is not as this build knows it.
    fn misfit(&mut self, within: usize, source: DecodeError) -> ReadError {
        self.content.clear();
        self.next = 0;
        self.state = State::Failed;
        ReadError::Record {
            offset: self.block,
            within,
            source,
        }
    }

    fn next_event(&mut self) -> Result<Option<Event>, ReadError> {
        let Some(decoded) = self.next_record()?.map(|record| (record.len(), decode::decode(record))) else {
            return Ok(None);
        };
        match decoded {
            (_, Ok(event)) => {
                self.unknown += u64::from(matches!(event.fact, Fact::Unknown(_)));
                Ok(Some(event))
            }
            (size, Err(source)) => Err(self.misfit(self.next - size, source)),
        }
    }

    /// Replaces the content by the next block's, or says how the recording ended.
    fn next_block(&mut self) -> Result<Option<End>, ReadError> {
        let offset = self.input.offset();
        self.block = offset;
        let damaged = |why: String| Err(ReadError::Damaged { offset, why });
        self.input.read(BlockHead::SIZE, &mut self.data)?;
        if self.data.is_empty() {
            return Ok(Some(self.trailer.unwrap_or(End::NoTrailer)));
        }
        if self.trailer.is_some() {
            return damaged("data follow the trailer".to_owned());
        }
        if !begins_with(&self.data, BLOCK_MAGIC.to_le_bytes()) {
            return damaged("no block begins there".to_owned());
        }
        let Ok(head) = BlockHead::read_from_bytes(&self.data) else {
            return Ok(Some(End::Torn {
                offset,
                why: "the head of its last block is incomplete",
            }));
        };
        let [compressed, content, records] = [head.compressed, head.content, head.records].map(u32::from);
        if head.payload != BlockHead::PAYLOAD
            || head.check != BlockHead::new(compressed, content, records, &self.header_crc).check
        {
            return damaged("the check does not fit the head of the block and the recording's header".to_owned());
        }
        if compressed > BOUND || content > BOUND {
            return damaged(format!(
                "a block of {compressed} bytes that holds {content}; at most {BOUND} are allowed"
            ));
        }
        self.input.read(compressed as usize, &mut self.data)?;
        if self.data.len() < compressed as usize {
            return Ok(Some(End::Torn {
                offset,
                why: "the data of its last block are incomplete",
            }));
        }
        self.fill(content as usize, records).map_or_else(damaged, |()| Ok(None))
    }

    /// Decompresses a block and looks whether it holds what its head says.
    fn fill(&mut self, length: usize, records: u32) -> Result<(), String> {
        unpack(&mut self.unpacker, &self.data, length, &mut self.content)
            .map_err(|error| format!("zstd cannot decompress the block: {error}"))?;
        if self.content.len() != length {
            return Err(format!(
                "the block holds {} bytes and says {length}",
                self.content.len()
            ));
        }
        self.trailer = check_records(&self.content, records)?;
        Ok(())
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_event().transpose()
    }
}

/// Splits a block into its records, and gives the end that the last one makes, where that is the trailer.
fn check_records(content: &[u8], stated: u32) -> Result<Option<End>, String> {
    let mut found = 0;
    let mut trailer = None;
    for record in decode::split(content) {
        let record = record.map_err(|error| format!("the content of the block is wrong {error}"))?;
        if trailer.is_some() {
            return Err("records follow the trailer".to_owned());
        }
        trailer = trailer_end(record);
        found += 1;
    }
    if found == stated {
        Ok(trailer)
    } else {
        Err(format!("the block holds {found} records and says {stated}"))
    }
}

/// The end that a record makes, if it is a trailer; as far as it can be read.
fn trailer_end(record: &[u8]) -> Option<End> {
    let (header, _) = record::Header::read_from_prefix(record).ok()?;
    let full = || record::Tick::read_from_prefix(record).is_ok_and(|(tick, _)| tick.full != 0);
    (header.kind == kind::TRAILER).then(|| if full() { End::Full } else { End::Trailer })
}

/// Whether the bytes, which may be too few, can begin with this magic.
fn begins_with(bytes: &[u8], magic: [u8; 4]) -> bool {
    bytes.iter().zip(magic).all(|(byte, expected)| *byte == expected)
}

impl<R: Read + Seek> Reader<R> {
    /// Goes on behind the last whole block where the input ended without a trailer: its writer may have written more since.
    /// Nothing where it has its trailer, is damaged, or has not ended.
    pub fn resume(&mut self) -> io::Result<()> {
        if let State::Ended(End::NoTrailer | End::Torn { .. }) = self.state {
            self.input.seek(self.block)?;
            self.state = State::Open;
        }
        Ok(())
    }
}
