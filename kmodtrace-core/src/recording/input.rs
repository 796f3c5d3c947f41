//! The input that a recording is read from.

use std::io::{self, Read, Seek, SeekFrom};

use super::ReadError;

/// The input and how far it has been read.
pub(super) struct Input<R> {
    input: R,
    offset: u64,
}

impl<R> Input<R> {
    /// At its beginning.
    pub(super) fn new(input: R) -> Self {
        Self { input, offset: 0 }
    }

    /// Bytes before what is read next.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }
}

impl<R: Read> Input<R> {
    /// So many bytes, or fewer where the input ends. Memory grows with what comes, not with what was asked for.
    pub(super) fn read(&mut self, length: usize, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
        bytes.clear();
        let read = self.input.by_ref().take(length as u64).read_to_end(bytes);
        self.offset += bytes.len() as u64;
        match read {
            Ok(_) => Ok(()),
            Err(source) => Err(ReadError::Io {
                offset: self.offset,
                source,
            }),
        }
    }
}

impl<R: Seek> Input<R> {
    /// Goes on from there.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.input.seek(SeekFrom::Start(offset))?;
        self.offset = offset;
        Ok(())
    }
}
