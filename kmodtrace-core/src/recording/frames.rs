//! The two frames that a recording begins with: what it is, in the open, and the rest of its header, packed.

use std::io::{self, Read};

use serde::Deserialize;
use serde_json::{Map, Value};
use zerocopy::FromBytes as _;
use zerocopy::little_endian::U32;
use zstd::zstd_safe::{CCtx, DCtx};

use super::input::Input;
use super::pack::{content_length, pack, unpack};
use super::{BOUND, Crc, FORMAT, Header, MAGIC, ReadError, VERSION, check_of};
use kmodtrace_common::ABI_VERSION;

/// Magic of the zstd skippable frame with the rest of the header.
const DETAILS_MAGIC: [u8; 4] = 0x184d_2a52_u32.to_le_bytes();

/// Members of the header that are in the second frame: whoever looks through the heads of many recordings needs none of them.
const DETAILS: [&str; 6] = ["boot", "facts", "functions", "plan", "records", "unobserved"];

/// The version that had all in the first frame.
const ONE_FRAME: u32 = 1;

/// Most values in a header's JSON, reckoned by the characters that begin one.
const VALUES: usize = 1 << 18;

/// The frames of a header, and the check that those of all blocks go on from.
pub(super) fn write(header: &Header, packer: &mut CCtx<'_>) -> io::Result<(Vec<u8>, Crc)> {
    let Value::Object(mut open) = serde_json::to_value(header)? else {
        return Err(io::Error::other("the header of the recording would be no object"));
    };
    // Whatever version it was read from.
    open.insert("version".to_owned(), VERSION.into());
    let details: Map<String, Value> = DETAILS.iter().filter_map(|key| open.remove_entry(*key)).collect();
    let [open, details] = [json(&open)?, json(&details)?];
    let details = pack(packer, &details)?;
    let length = |bytes: &[u8]| {
        u32::try_from(bytes.len())
            .map(u32::to_le_bytes)
            .map_err(io::Error::other)
    };
    let frames = [
        &MAGIC[..],
        &length(&open)?,
        &open,
        &DETAILS_MAGIC,
        &length(&details)?,
        &details,
    ];
    let mut check = check_of(&open);
    check.update(&details);
    Ok((frames.concat(), check))
}

/// Within the bounds that readers have.
fn json(object: &Map<String, Value>) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(object)?;
    let bound = if json.len() > BOUND as usize {
        "longer than 16 MiB"
    } else if has_too_much(&json) {
        "of more than 262,144 values"
    } else {
        return Ok(json);
    };
    Err(io::Error::other(format!(
        "the header of the recording would be {bound}"
    )))
}

/// Reads a header of any version, and the check of it.
pub(super) fn read(input: &mut Input<impl Read>, unpacker: &mut DCtx<'_>) -> Result<(Header, Crc), ReadError> {
    let open = frame(input, MAGIC)?.ok_or(ReadError::NotARecording { why: "bad magic" })?;
    let mut check = check_of(&open);
    let version = version(&open)?;
    let mut all = parse(&open, 8)?;
    if version > ONE_FRAME {
        let offset = input.offset();
        let damaged = |why: &str| ReadError::Damaged {
            offset,
            why: why.to_owned(),
        };
        let packed = frame(input, DETAILS_MAGIC)?.ok_or_else(|| damaged("the second part of its header is missing"))?;
        check.update(&packed);
        let length = content_length(&packed).filter(|length| *length <= BOUND as usize);
        let length =
            length.ok_or_else(|| damaged("the second part of its header does not say that it is at most 16 MiB"))?;
        let mut details = Vec::new();
        unpack(unpacker, &packed, length, &mut details).map_err(|error| {
            damaged(&format!(
                "zstd cannot decompress the second part of its header: {error}"
            ))
        })?;
        if has_too_much(&details) {
            return Err(TOO_MUCH);
        }
        for (key, value) in parse(&details, offset)? {
            all.entry(key).or_insert(value);
        }
    }
    let header = Header::deserialize(Value::Object(all)).map_err(|error| not_understood(8, &error))?;
    Ok((header, check))
}

const TOO_MUCH: ReadError = ReadError::NotARecording {
    why: "header of more than 262,144 values",
};

/// What a skippable frame of this magic holds; none where another begins.
fn frame(input: &mut Input<impl Read>, magic: [u8; 4]) -> Result<Option<Vec<u8>>, ReadError> {
    let mut start = Vec::new();
    input.read(8, &mut start)?;
    if !start.iter().zip(magic).all(|(byte, expected)| *byte == expected) {
        return Ok(None);
    }
    let Ok([_, length]) = <[U32; 2]>::read_from_bytes(&start) else {
        return Err(ReadError::HeaderCut { offset: input.offset() });
    };
    if length > BOUND {
        return Err(ReadError::NotARecording {
            why: "header longer than 16 MiB",
        });
    }
    let length = length.get() as usize;
    let mut payload = Vec::new();
    input.read(length, &mut payload)?;
    if payload.len() < length {
        return Err(ReadError::HeaderCut { offset: input.offset() });
    }
    Ok(Some(payload))
}

/// What must be known before the rest of a header can be understood.
#[derive(Deserialize)]
struct Preamble {
    format: String,
    version: u32,
    abi: u32,
    tool: String,
}

/// The version of the container, where this build can read it.
fn version(json: &[u8]) -> Result<u32, ReadError> {
    if has_too_much(json) {
        return Err(TOO_MUCH);
    }
    let preamble: Preamble = serde_json::from_slice(json).map_err(|_| ReadError::NotARecording {
        why: "its header is not that of one",
    })?;
    let Preamble {
        format,
        version,
        abi,
        tool,
    } = preamble;
    if format != FORMAT {
        return Err(ReadError::NotARecording {
            why: "its header names another format",
        });
    }
    let newer = |what, theirs, ours| ReadError::Newer {
        what,
        theirs,
        ours,
        tool: tool.clone(),
    };
    if version > VERSION {
        return Err(newer("format", version, VERSION));
    }
    if abi > ABI_VERSION {
        return Err(newer("records", abi, ABI_VERSION));
    }
    Ok(version)
}

fn parse(json: &[u8], offset: u64) -> Result<Map<String, Value>, ReadError> {
    serde_json::from_slice(json).map_err(|error| not_understood(offset, &error))
}

fn not_understood(offset: u64, error: &serde_json::Error) -> ReadError {
    ReadError::Damaged {
        offset,
        why: format!("its header cannot be understood: {error}"),
    }
}

/// Whether a header's JSON has more values than any recording needs: 60 KB of it have five thousand, and in memory one takes up to a
/// hundred times its place in the file.
fn has_too_much(json: &[u8]) -> bool {
    let begin = json.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{'));
    begin.count() > VALUES
}
