//! Damaged recordings, and files that are none: an error that names a place, never a panic, never a wrong record.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use kmodtrace_core::model::{Clock, Ktime};
use kmodtrace_core::recording::{End, Header, Kernel, ReadError, Reader, Writer};
use kmodtrace_core::records::decode::split;
use proptest::prelude::*;
use std::sync::LazyLock;
use synth::Storm;

/// A small recording of several blocks, its records, and where its first block begins.
static SAMPLE: LazyLock<(Vec<u8>, Vec<Vec<u8>>, usize)> = LazyLock::new(|| {
    let kernel = Kernel {
        release: "6.1.0".into(),
        version: "#1 SMP".into(),
        arch: "x86_64".into(),
    };
    let clock = Clock {
        monotonic_ns: Ktime(1),
        realtime_ns: 2,
    };
    let header = Header::new("0.1.0", kernel, clock, 4, serde_json::Value::Null);
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, &header).unwrap();
    let mut records = Vec::new();
    let mut storm = Storm::new(9);
    for round in storm.by_ref() {
        for record in split(&round).map(Result::unwrap) {
            writer.push(record).unwrap();
            records.push(record.to_vec());
        }
        writer.flush_block().unwrap();
    }
    writer.finish(&storm.trailer()).unwrap();
    records.push(storm.trailer().to_vec());
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let first = 8 + word(4);
    let begins = first + 8 + word(first + 4);
    (file, records, begins)
});

/// Reads raw and decoded, which must agree; the records and how it went.
fn read(file: &[u8]) -> (Vec<Vec<u8>>, Result<End, ReadError>) {
    let mut records = Vec::new();
    let mut reader = match Reader::new(file) {
        Ok(reader) => reader,
        Err(error) => return (records, Err(error)),
    };
    let result = loop {
        match reader.next_record() {
            Ok(Some(record)) => records.push(record.to_vec()),
            Ok(None) => break Ok(reader.end().unwrap()),
            Err(error) => break Err(error),
        }
    };
    assert!(
        reader.next_record().unwrap().is_none(),
        "nothing follows the end or an error"
    );
    assert_eq!(Reader::new(file).unwrap().flatten().count(), records.len());
    (records, result)
}

fn names_an_offset(error: &ReadError) -> bool {
    matches!(error, ReadError::Newer { .. }) || error.to_string().contains("at byte ")
}

#[test]
fn every_flipped_bit_shows_and_no_wrong_record_comes_out() {
    let (file, records, _) = &*SAMPLE;
    let mut damaged = file.clone();
    for at in 0..file.len() {
        for bit in 0..8 {
            damaged[at] ^= 1 << bit;
            let (read, result) = read(&damaged);
            damaged[at] ^= 1 << bit;
            assert!(records.starts_with(&read), "byte {at} bit {bit}");
            match result {
                Err(error) => assert!(names_an_offset(&error), "{error}"),
                // zstd ignores one bit of a frame's header, so there the block is whole.
                Ok(end) => assert!(end == End::Trailer && &read == records, "byte {at} bit {bit}: {end:?}"),
            }
        }
    }
}

#[test]
fn what_follows_the_trailer_is_damage() {
    let (file, records, _) = &*SAMPLE;
    for tail in [&b"x"[..], &[0; 4096], file] {
        let (read, result) = read(&[file, tail].concat());
        assert_eq!(&read, records);
        let error = result.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the recording is damaged at byte {}: data follow the trailer",
                file.len()
            )
        );
    }
}

#[test]
fn a_missing_or_foreign_block_shows() {
    let (file, _, first_block) = &*SAMPLE;
    let mut other = file[..*first_block].to_vec();
    let digit = other.iter().position(|byte| *byte == b'6').unwrap();
    other[digit] = b'5';
    other.extend_from_slice(&file[*first_block..]);
    let (read, result) = read(&other);
    assert!(read.is_empty());
    assert!(matches!(result, Err(ReadError::Damaged { offset, .. }) if offset == *first_block as u64));
}

#[test]
fn lengths_are_bounded_before_memory_is_taken() {
    let huge = [&0x184d_2a50_u32.to_le_bytes()[..], &u32::MAX.to_le_bytes()].concat();
    assert!(matches!(read(&huge).1, Err(ReadError::NotARecording { .. })));
    let long = [&0x184d_2a50_u32.to_le_bytes()[..], &(16_u32 << 20).to_le_bytes(), b"{"].concat();
    assert!(matches!(read(&long).1, Err(ReadError::HeaderCut { offset: 9 })));
}

#[test]
fn other_files_are_no_recordings() {
    for other in [
        &b"PERFILE2"[..],
        b"#!/bin/sh\n",
        &[0; 64],
        &0xfd2f_b528_u32.to_le_bytes(),
    ] {
        let error = read(other).1.unwrap_err();
        assert!(error.to_string().starts_with("not a kmodtrace recording"), "{error}");
    }
    let json = [&0x184d_2a50_u32.to_le_bytes()[..], &2_u32.to_le_bytes(), b"{}"].concat();
    assert!(matches!(read(&json).1, Err(ReadError::NotARecording { .. })));
}

proptest! {
    #[test]
    fn random_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let (read, result) = read(&bytes);
        prop_assert!(read.is_empty());
        prop_assert!(names_an_offset(&result.unwrap_err()));
    }

    #[test]
    fn random_bytes_after_the_header_are_no_records(bytes in prop::collection::vec(any::<u8>(), 1..300), magic in any::<bool>()) {
        let (file, _, first_block) = &*SAMPLE;
        let magic = if magic { &file[*first_block..first_block + 8] } else { &[] };
        let (read, result) = read(&[&file[..*first_block], magic, &bytes].concat());
        prop_assert!(read.is_empty());
        match result {
            Ok(end) => {
                let torn = matches!(end, End::Torn { offset, .. } if offset == *first_block as u64);
                prop_assert!(torn);
            }
            Err(error) => prop_assert!(names_an_offset(&error)),
        }
    }

    #[test]
    fn scattered_damage_lets_no_wrong_record_through(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let (file, records, _) = &*SAMPLE;
        let mut damaged = file.clone();
        for (at, byte) in damage {
            damaged[at.index(file.len())] = byte;
        }
        damaged.truncate(cut.index(file.len() + 1));
        let (read, result) = read(&damaged);
        prop_assert!(records.starts_with(&read));
        prop_assert!(result.as_ref().err().is_none_or(names_an_offset));
    }
}
