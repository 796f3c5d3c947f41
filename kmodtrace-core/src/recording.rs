//! Recordings: the bytes that the ring held, in a file that `zstd -dc` opens and that a killed writer leaves readable.
//!
//! docs/recording-format.md describes the format; [`Writer`] and [`Reader`] work on any `io::Write` and `io::Read`.

mod error;
mod frames;
mod header;
mod input;
mod pack;
mod reader;
mod redact;
mod writer;

use crc32fast::Hasher as Crc;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub use error::{End, ReadError};
pub use header::{Boot, BootMark, BootUnit, Header, Kernel, Milestone, RecordField, RecordLayout, RecordLayouts};
pub use reader::Reader;
pub use redact::{Private, Redactor};
pub use writer::Writer;

/// The version of the container that this build writes, and the newest that it reads.
pub const VERSION: u32 = 2;

/// The first bytes of every recording: the magic of the zstd skippable frame that says what it is.
pub const MAGIC: [u8; 4] = 0x184d_2a50_u32.to_le_bytes();

/// `format` of every header.
const FORMAT: &str = "kmodtrace.recording";
/// Magic of the zstd skippable frame in front of each block.
const BLOCK_MAGIC: u32 = 0x184d_2a51;
/// Most bytes of each part of the header, packed or not, of a block's zstd frame and of its content.
const BOUND: u32 = 16 << 20;

/// The frame that stands before each block's zstd frame.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct BlockHead {
    magic: U32,
    payload: U32,
    compressed: U32,
    content: U32,
    records: U32,
    check: U32,
}

impl BlockHead {
    const SIZE: usize = size_of::<Self>();
    /// Bytes after magic and length.
    const PAYLOAD: u32 = 16;

    /// A head whose check, CRC-32 of IEEE 802.3, goes on from that of the header.
    fn new(compressed: u32, content: u32, records: u32, header: &Crc) -> Self {
        let [magic, payload, compressed, content, records] =
            [BLOCK_MAGIC, Self::PAYLOAD, compressed, content, records].map(U32::new);
        let mut check = header.clone();
        for number in [compressed, content, records] {
            check.update(number.as_bytes());
        }
        Self {
            magic,
            payload,
            compressed,
            content,
            records,
            check: U32::new(check.finalize()),
        }
    }
}

/// The check of what a header's frames hold, which those of all blocks go on from.
fn check_of(frames: &[u8]) -> Crc {
    let mut check = Crc::new();
    check.update(frames);
    check
}

#[cfg(test)]
mod tests {
    use super::check_of;

    #[test]
    fn the_check_is_crc_32() {
        let mut check = check_of(b"1234");
        check.update(b"56789");
        assert_eq!(check.finalize(), 0xcbf4_3926);
    }
}
