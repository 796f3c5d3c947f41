//! Recordings written and read back: whole, cut, of other versions, and by the tool that everybody has.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use kmodtrace_core::model::{Clock, Ktime};
use kmodtrace_core::recording::{End, Header, Kernel, MAGIC, ReadError, Reader, Writer};
use kmodtrace_core::records::decode::split;
use kmodtrace_core::records::event::Fact;
use proptest::prelude::*;
use std::io::{self, Write};
use synth::Storm;

fn header() -> Header {
    let kernel = Kernel {
        release: "6.1.0".into(),
        version: "#1 SMP".into(),
        arch: "x86_64".into(),
    };
    let clock = Clock {
        monotonic_ns: Ktime(1),
        realtime_ns: 2,
    };
    let mut header = Header::new("0.1.0", kernel, clock, 4, serde_json::json!({"chosen": []}));
    header.command = Some(vec!["modprobe".into(), "xfs".into()]);
    header.tags.insert("rack".to_owned(), "7".to_owned());
    header
}

/// A storm's records, and their recording in blocks of `per_block` records; `ends` is where each block ends, that of the
/// header first, with the number of records until there.
struct Sample {
    records: Vec<Vec<u8>>,
    file: Vec<u8>,
    ends: Vec<(usize, usize)>,
}

fn sample(attempts: u64, per_block: usize) -> Sample {
    let mut storm = Storm::new(attempts);
    let run: Vec<u8> = storm.by_ref().flatten().collect();
    let trailer = storm.trailer();
    let mut records: Vec<_> = split(&run).map(|record| record.unwrap().to_vec()).collect();

    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, &header()).unwrap();
    for chunk in records.chunks(per_block) {
        for record in chunk {
            writer.push(record).unwrap();
        }
        writer.flush_block().unwrap();
    }
    writer.finish(&trailer).unwrap();

    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    // Two frames of the header, each behind its magic and length.
    let first = 8 + word(4);
    let mut ends = vec![(first + 8 + word(first + 4), 0)];
    while let Some(&(end, before)) = ends.last().filter(|(end, _)| *end < file.len()) {
        ends.push((end + 24 + word(end + 8), before + word(end + 16)));
    }
    records.push(trailer.to_vec());
    Sample { records, file, ends }
}

/// All records, and how it ended.
fn read(file: &[u8]) -> Result<(Vec<Vec<u8>>, End), ReadError> {
    let mut reader = Reader::new(file)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next_record()? {
        records.push(record.to_vec());
    }
    Ok((records, reader.end().unwrap()))
}

#[test]
fn a_recording_gives_back_its_header_and_events() {
    let sample = sample(40, 1000);
    let mut reader = Reader::new(sample.file.as_slice()).unwrap();
    assert_eq!(reader.header(), &header());
    assert_eq!(reader.end(), None);
    let events: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!(events.len(), sample.records.len());
    assert!(matches!(events.last().unwrap().fact, Fact::Trailer(_)));
    assert_eq!(reader.end(), Some(End::Trailer));
    assert!(reader.next().is_none() && reader.next_record().unwrap().is_none());
}

#[test]
fn a_cut_anywhere_costs_the_torn_block_and_no_more() {
    let Sample { records, file, ends } = sample(20, 40);
    assert!(ends.len() > 5, "{ends:?}");
    for cut in 0..=file.len() {
        let whole = ends.iter().rev().find(|(end, _)| *end <= cut);
        match (read(&file[..cut]), whole) {
            (Err(ReadError::HeaderCut { offset }), None) => assert_eq!(offset, cut as u64),
            (Ok((read, end)), Some(&(block, expected))) => {
                assert_eq!(read, records[..expected]);
                match end {
                    End::Trailer => assert_eq!(cut, file.len()),
                    End::Full => panic!("nothing bounds it"),
                    End::NoTrailer => assert!(cut == block && cut < file.len()),
                    End::Torn { offset, .. } => assert!(offset == block as u64 && cut > block),
                }
            }
            (result, _) => panic!("cut at {cut}: {result:?}"),
        }
    }
}

/// In memory a value takes up to a hundred times its place in the file.
#[test]
fn a_header_of_more_values_than_any_needs_is_neither_written_nor_read() {
    let mut many = header();
    many.plan = vec![[0]; 200_000].into();
    assert!(Writer::new(Vec::new(), &many).is_err());
    let json = serde_json::to_vec(&many).unwrap();
    let refused = read(&first_frame(&json)).unwrap_err();
    assert!(refused.to_string().contains("262,144 values"), "{refused}");
}

/// What a recording begins with.
fn first_frame(json: &[u8]) -> Vec<u8> {
    [&MAGIC, &u32::try_from(json.len()).unwrap().to_le_bytes()[..], json].concat()
}

/// What a recording of a kernel of Debian says of itself, which took 56 KB in the first version.
#[test]
fn a_header_takes_at_most_eight_kilobytes_and_says_in_the_open_what_it_is_of() {
    let old = include_bytes!("field/a09.kmt");
    let mut header = Reader::new(&old[..]).unwrap().header().clone();
    assert_eq!((header.version, header.records.len() > 50), (1, true));
    header.records.clear();
    header.host = Some("node-17".to_owned());
    header.tags.insert("rack".to_owned(), "7".to_owned());
    let file = Writer::new(Vec::new(), &header).unwrap().into_output();
    assert!(file.len() < 8_000, "{}", file.len());
    let length = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let open: serde_json::Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
    assert_eq!((&open["host"], &open["tags"]["rack"]), (&"node-17".into(), &"7".into()));
    assert_eq!(open["kernel"]["release"], "6.1.0-56-cloud-amd64");
    assert_eq!(open.get("facts"), None);
    header.version = 2;
    assert_eq!(Reader::new(file.as_slice()).unwrap().header(), &header);
}

#[test]
fn a_second_part_of_a_header_that_is_wrong_is_told() {
    let header = header();
    let file = Writer::new(Vec::new(), &header).unwrap().into_output();
    let first = 8 + u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let with = |packed: &[u8]| {
        let length = u32::try_from(packed.len()).unwrap().to_le_bytes();
        let file = [&file[..first + 4], &length, packed].concat();
        Reader::new(file.as_slice()).map(|_| ()).unwrap_err().to_string()
    };
    let packed = |json: &[u8]| zstd::bulk::compress(json, 1).unwrap();
    let at = format!("the recording is damaged at byte {first}: ");
    let told = [
        (with(b""), "the second part of its header does not say"),
        (
            with(&packed(&vec![b' '; (16 << 20) + 1])),
            "the second part of its header does not say",
        ),
        (with(&packed(b"[]")), "its header cannot be understood"),
        (with(&packed(b"{}")[..9]), "zstd cannot decompress the second part"),
    ];
    for (said, expected) in told {
        assert!(said.starts_with(&format!("{at}{expected}")), "{said}");
    }
    let many = [b"[".repeat(300_000), b"]".repeat(300_000)].concat();
    assert!(with(&packed(&many)).contains("262,144 values"));
    let other = Reader::new(&[&file[..first], &[0; 16]].concat()[..])
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        other.to_string(),
        format!("{at}the second part of its header is missing")
    );
    let cut = Reader::new(&file[..first + 3]).map(|_| ()).unwrap_err();
    assert!(matches!(cut, ReadError::HeaderCut { .. }), "{cut}");
}

#[test]
fn other_versions_are_named() {
    let read = |header: &Header| {
        let file = first_frame(&serde_json::to_vec(header).unwrap());
        Reader::new(file.as_slice()).map(|_| ()).unwrap_err().to_string()
    };
    let newer = read(&Header {
        version: 3,
        tool: "9.9.9".into(),
        ..header()
    });
    assert_eq!(
        newer,
        "this recording has format of version 3, and this kmodtrace knows up to version 2: \
         read it with kmodtrace 9.9.9, which made it, or a later one"
    );
    assert!(read(&Header { abi: 77, ..header() }).contains("records of version 77"));
    assert!(
        read(&Header {
            format: "perf".into(),
            ..header()
        })
        .starts_with("not a kmodtrace recording")
    );
}

#[test]
fn a_record_of_an_unknown_kind_is_kept_and_counted() {
    let mut record = split(&Storm::new(1).next().unwrap()).next().unwrap().unwrap().to_vec();
    record[..2].copy_from_slice(&60_000_u16.to_ne_bytes());
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    writer.push(&record).unwrap();
    let file = writer.finish(&Storm::new(1).trailer()).unwrap();
    assert_eq!(read(&file).unwrap().0[0], record);
    let mut reader = Reader::new(file.as_slice()).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().fact, Fact::Unknown(60_000));
    assert_eq!(reader.unknown(), 1);
}

/// A disk that has room for so many bytes.
struct Full {
    room: usize,
    written: Vec<u8>,
}

impl Write for &mut Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(self.room - self.written.len());
        self.written.extend_from_slice(&bytes[..fits]);
        if fits == 0 {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(fits)
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_at_once_and_leaves_whole_blocks() {
    let Sample { records, file, ends } = sample(20, 40);
    let mut disk = Full {
        room: file.len() - 1,
        written: Vec::new(),
    };
    let mut writer = Writer::new(&mut disk, &header()).unwrap();
    for chunk in records[..records.len() - 1].chunks(40) {
        for record in chunk {
            writer.push(record).unwrap();
        }
        writer.flush_block().unwrap();
    }
    writer.push(records.last().unwrap()).unwrap();
    assert_eq!(writer.flush_block().unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(writer.flush_block().is_err(), "nothing may follow a torn block");
    assert!(writer.finish(&Storm::new(0).trailer()).is_err());
    let (read, end) = read(&disk.written).unwrap();
    assert_eq!(read, records[..records.len() - 1]);
    assert!(matches!(end, End::Torn { offset, .. } if offset == ends[ends.len() - 2].0 as u64));
}

#[test]
fn a_record_that_misstates_its_size_is_refused() {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    let record = Storm::new(0).trailer();
    assert_eq!(
        writer.push(&record[..63]).unwrap_err().kind(),
        io::ErrorKind::InvalidInput
    );
    assert_eq!(writer.push(&[]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_was_written_is_read(attempts in 0..600_u64, per_block in 1..2_000_usize) {
        let Sample { records, file, .. } = sample(attempts, per_block);
        prop_assert_eq!(read(&file)?, (records, End::Trailer));
    }
}
