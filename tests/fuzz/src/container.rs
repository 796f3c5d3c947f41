//! The file: its header, its blocks and their checks.

use kmodtrace_core::recording::{MAGIC, Reader, Writer};
use kmodtrace_core::records::decode::split;

use crate::story;

/// Bytes of the piece of a recording that a block of a seed has.
const BLOCK: usize = 512;

/// An input is two bytes for how long the header's JSON is, the JSON, and blocks. Each block is two bytes for how many bytes follow, a
/// byte that tells by how many records its head lies, and a byte that tells whether what follows is packed already. Checks are made
/// right, so that everything else can be wrong.
pub(crate) fn run(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return;
    };
    let (json, mut rest) = rest.split_at(rest.len().min(usize::from(u16::from_le_bytes(*length))));
    let mut file = [&MAGIC[..], &word(json.len()), json].concat();
    while let Some(([low, high, more, packed], behind)) = rest.split_first_chunk() {
        let (data, behind) = behind.split_at(behind.len().min(usize::from(u16::from_le_bytes([*low, *high]))));
        let records = split(data).count().wrapping_add(usize::from(*more));
        let compressed = match packed {
            0 => zstd::bulk::compress(data, 1).unwrap(),
            _ => data.to_vec(),
        };
        block(json, &compressed, data.len(), records, &mut file);
        rest = behind;
    }
    read(&file);
}

/// Adds a block, as docs/recording-format.md has it.
fn block(json: &[u8], compressed: &[u8], content: usize, records: usize, file: &mut Vec<u8>) {
    let numbers = [compressed.len(), content, records].map(word).concat();
    let mut check = crc32fast::Hasher::new();
    check.update(json);
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
    assert_eq!(again.header(), reader.header());
    for record in &records {
        assert_eq!(again.next_record().unwrap(), Some(&record[..]));
    }
    assert!(matches!(again.next_record(), Ok(None)));
}

/// Stories in a block or two, behind a header with a little of everything.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut header = story::RECORDED.header.clone();
    header.functions.truncate(1);
    let json = serde_json::to_vec(&header).unwrap();
    let seed = |story: Vec<u8>| {
        let mut seed = [&u16::try_from(json.len()).unwrap().to_le_bytes()[..], &json].concat();
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
    story::seeds().into_iter().map(seed).collect()
}
