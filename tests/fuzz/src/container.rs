//! The file: its header, its blocks and their checks.

use kmodtrace_core::recording::{Header, MAGIC, Reader, VERSION, Writer};
use kmodtrace_core::records::decode::split;
use serde_json::{Map, Value};

use crate::story;

/// Bytes of the piece of a recording that a block of a seed has.
const BLOCK: usize = 512;

/// An input is two bytes for how long the JSON of the header's first part is, the JSON, the same of its second part, which is packed here
/// and left out where it is empty, and blocks. Each block is two bytes for how many bytes follow, a
/// byte that tells by how many records its head lies, and a byte that tells whether what follows is packed already. Checks are made
/// right, so that everything else can be wrong.
pub(crate) fn run(bytes: &[u8]) {
    let (Some((open, rest)), mut check) = (piece(bytes), crc32fast::Hasher::new()) else {
        return;
    };
    check.update(open);
    let mut file = [&MAGIC[..], &word(open.len()), open].concat();
    let Some((details, mut rest)) = piece(rest) else {
        return;
    };
    if !details.is_empty() {
        let packed = zstd::bulk::compress(details, 1).unwrap();
        check.update(&packed);
        file.extend([&0x184d_2a52_u32.to_le_bytes()[..], &word(packed.len()), &packed].concat());
    }
    while let Some(([low, high, more, packed], behind)) = rest.split_first_chunk() {
        let (data, behind) = behind.split_at(behind.len().min(usize::from(u16::from_le_bytes([*low, *high]))));
        let records = split(data).count().wrapping_add(usize::from(*more));
        let compressed = match packed {
            0 => zstd::bulk::compress(data, 1).unwrap(),
            _ => data.to_vec(),
        };
        block(&check, &compressed, data.len(), records, &mut file);
        rest = behind;
    }
    read(&file);
}

/// What two bytes tell the length of, and what follows.
fn piece(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    Some(rest.split_at(rest.len().min(usize::from(u16::from_le_bytes(*length)))))
}

/// Adds a block, as docs/recording-format.md has it.
fn block(header: &crc32fast::Hasher, compressed: &[u8], content: usize, records: usize, file: &mut Vec<u8>) {
    let numbers = [compressed.len(), content, records].map(word).concat();
    let mut check = header.clone();
    check.update(&numbers);
    let head = [0x184d_2a51_u32, 16].map(u32::to_le_bytes).concat();
    file.extend([&head, &numbers, &check.finalize().to_le_bytes()[..], compressed].concat());
}

fn word(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}

/// Reads a file raw and decoded, which must agree; and what was read reads back when it is written.
fn read(file: &[u8]) {
    let Ok(mut reader) = Reader::new(file) else { return };
    let mut records = Vec::new();
    while let Ok(Some(record)) = reader.next_record() {
        records.push(record.to_vec());
    }
    assert!(
        matches!(reader.next_record(), Ok(None)),
        "nothing follows the end or an error"
    );
    let decoded = Reader::new(file).unwrap();
    assert!(decoded.flatten().count() <= records.len());
    let mut written = Vec::new();
    // One that is refused is longer than any that is read.
    let mut writer = Writer::new(&mut written, reader.header()).unwrap();
    for record in &records {
        writer.push(record).unwrap();
    }
    writer.flush_block().unwrap();
    let mut again = Reader::new(&written[..]).unwrap();
    let header = Header {
        version: VERSION,
        ..reader.header().clone()
    };
    assert_eq!(again.header(), &header);
    for record in &records {
        assert_eq!(again.next_record().unwrap(), Some(&record[..]));
    }
    assert!(matches!(again.next_record(), Ok(None)));
}

/// Stories in a block or two, behind a header with a little of everything, in one part and in two.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut header = story::RECORDED.header.clone();
    header.functions.truncate(1);
    let Value::Object(whole) = serde_json::to_value(&header).unwrap() else {
        unreachable!("a header is an object");
    };
    let versioned = |version: u32| {
        let mut all = whole.clone();
        all.insert("version".to_owned(), version.into());
        all
    };
    let is_small = |(_, value): &(String, Value)| !value.is_object() && !value.is_array();
    let parts = [
        (versioned(1), Map::new()),
        versioned(VERSION).into_iter().partition::<Map<_, _>, _>(is_small),
    ]
    .map(|(open, details)| [part(&open), part(&details)].concat());
    let seed = |(at, story): (usize, Vec<u8>)| {
        let mut seed = parts[at % 2].clone();
        let (mut block, mut blocks) = (Vec::new(), Vec::new());
        for record in story::records(&story) {
            if block.len() + record.len() > BLOCK {
                blocks.push(std::mem::take(&mut block));
            }
            block.extend(record);
        }
        for (at, data) in blocks.iter().take(3).enumerate() {
            let packed = at % 2;
            let data = if packed == 1 {
                zstd::bulk::compress(data, 1).unwrap()
            } else {
                data.clone()
            };
            let length = u16::try_from(data.len()).unwrap().to_le_bytes();
            seed.extend([&length[..], &[0, u8::from(packed == 1)], &data].concat());
        }
        seed
    };
    story::seeds().into_iter().enumerate().map(seed).collect()
}

/// A part of a header, as an input has it: nothing for one without members.
fn part(object: &Map<String, Value>) -> Vec<u8> {
    let json = if object.is_empty() {
        Vec::new()
    } else {
        serde_json::to_vec(object).unwrap()
    };
    [&u16::try_from(json.len()).unwrap().to_le_bytes()[..], &json].concat()
}
