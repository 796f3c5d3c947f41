//! What can be wrong with a recording, and how one ends.

use crate::records::decode::DecodeError;
use std::io;

/// Why a recording could not be read, or not any further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The input could not be read.
    #[error("reading the recording failed at byte {offset}")]
    Io {
        /// Bytes read until then.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// It is something else.
    #[error("not a kmodtrace recording ({why} at byte 0)")]
    NotARecording {
        /// How that shows.
        why: &'static str,
    },
    /// It ends before its first block could begin.
    #[error("the recording ends within its header, at byte {offset}: it holds no records")]
    HeaderCut {
        /// Its length.
        offset: u64,
    },
    /// A later kmodtrace made it.
    #[error(
        "this recording has {what} of version {theirs}, and this kmodtrace knows up to version {ours}: \
         read it with kmodtrace {tool}, which made it, or a later one"
    )]
    Newer {
        /// Which version it is: `format` or `records`.
        what: &'static str,
        /// The version in the file.
        theirs: u32,
        /// The newest version that this build reads.
        ours: u32,
        /// The version of the kmodtrace that made the file.
        tool: String,
    },
    /// What is there cannot be right. Everything before it was.
    #[error("the recording is damaged at byte {offset}: {why}")]
    Damaged {
        /// Where the damaged header or block begins.
        offset: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A record is not as its kind should be.
    #[error("a record in the block at byte {offset} of the recording, {within} bytes into its content, is damaged")]
    Record {
        /// Where its block begins.
        offset: u64,
        /// Where in the block's content it begins.
        within: usize,
        /// What is wrong with it.
        source: DecodeError,
    },
}

/// How a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Properly, with a trailer.
    Trailer,
    /// In the same way, because it had reached the size that it may have.
    Full,
    /// After a whole block, without a trailer: the tracer was killed or could not write.
    NoTrailer,
    /// Within a block, of which nothing was read.
    Torn {
        /// Where that block begins.
        offset: u64,
        /// What of it is incomplete.
        why: &'static str,
    },
}

impl End {
    /// Why it ended before its time, where it did.
    pub fn cut(self) -> Option<String> {
        match self {
            Self::Trailer => None,
            Self::Full => Some("it has reached the size that it may have: what came later is not in it".to_owned()),
            Self::NoTrailer => Some("its writer was killed: it has no trailer".to_owned()),
            Self::Torn { offset, why } => Some(format!("cut short at byte {offset}: {why}")),
        }
    }
}
