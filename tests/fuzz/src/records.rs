//! Records of any bytes: those of recordings are the seeds.

use std::collections::BTreeSet;

use kmodtrace_common::{kind, record};
use kmodtrace_core::analysis::causes;
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::recording::Redactor;
use kmodtrace_core::records::decode::{decode, split};

use crate::story;

/// Bytes to records, their order, and what a session makes of them. Each record gets the size that one of its kind has, so that those
/// behind it are found, and one of no kind gets a kind.
pub(crate) fn run(bytes: &[u8]) {
    let mut pipeline = Pipeline::default();
    let mut redactor = Redactor::new(BTreeSet::new(), causes::log_words());
    let mut rest = bytes;
    while let Some((kind, _)) = rest.split_first_chunk::<2>() {
        let kind = u16::from_le_bytes(*kind);
        let known = kind::ALL.iter().find(|(number, ..)| *number == kind);
        let (kind, _, layout) = known.unwrap_or(&kind::ALL[usize::from(kind) % kind::ALL.len()]);
        let (record, behind) = rest.split_at(rest.len().min(layout.size));
        let mut record = record.to_vec();
        record.resize(layout.size, 0);
        record[..2].copy_from_slice(&kind.to_le_bytes());
        record[2..4].copy_from_slice(&u16::try_from(layout.size).unwrap().to_le_bytes());
        rest = behind;
        let _ = pipeline.push(&record);
        // It stays a record of its kind.
        assert_eq!(redactor.record(&mut record), Ok(true));
        assert!(decode(&record).is_ok());
    }
    let _ = pipeline.finish();
    // As they are: no record is shorter than its header, and together they are no longer than the bytes.
    let found = split(bytes).map_while(Result::ok).map(<[u8]>::len);
    let found: Vec<_> = found.collect();
    assert!(found.iter().all(|size| *size >= size_of::<record::Header>()));
    assert!(found.iter().sum::<usize>() <= bytes.len());
}

/// The records of stories, as a ring holds them.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let stories = story::seeds();
    let stories = stories.iter().map(|story| story::records(story).concat());
    let cut = |mut bytes: Vec<u8>| {
        bytes.truncate(4096);
        bytes
    };
    stories.map(cut).collect()
}
