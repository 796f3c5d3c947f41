//! Ids of traces and spans. They follow from what they stand for, so that what is sent twice is the same.

use kmodtrace_core::report::RecordingRow;
use sha2::{Digest as _, Sha256};

/// What a span is of, by the numbers that rows have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// The recording.
    Recording,
    /// An attempt.
    Attempt(u64),
    /// A stage of an attempt, by its place.
    Stage(u64, u64),
    /// A wait of an attempt, by its place.
    Wait(u64, u64),
    /// A request.
    Request(u64),
    /// Its helper.
    Helper(u64),
}

/// Places in an attempt that have an id of their own.
pub(crate) const PLACES: u64 = 1 << 12;

/// The ids of a recording.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    trace: [u8; 16],
    spans: u64,
}

impl Ids {
    /// Of this one: machine, boot and beginning tell it from all others.
    pub(crate) fn new(recording: &RecordingRow) -> Self {
        let mut hash = Sha256::new();
        for id in [&recording.machine_id, &recording.boot_id] {
            hash.update(id.as_deref().unwrap_or_default());
            hash.update([0]);
        }
        hash.update(recording.began_unix_ns.to_le_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        let (trace, rest) = hash.split_at(16);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Self {
            trace: trace.try_into().unwrap_or_default(),
            spans: number(&rest[..8]),
        }
    }

    /// The trace's.
    pub(crate) fn trace(&self) -> Vec<u8> {
        self.trace.to_vec()
    }

    /// A span's: kinds take 4 bits, places in an attempt 12, numbers of attempts and requests 48.
    pub(crate) fn span(&self, of: Of) -> Vec<u8> {
        let (kind, number, place) = match of {
            Of::Recording => (1, 0, 0),
            Of::Attempt(id) => (2, id, 0),
            Of::Stage(id, place) => (3, id, place),
            Of::Wait(id, place) => (4, id, place),
            Of::Request(id) => (5, id, 0),
            Of::Helper(id) => (6, id, 0),
        };
        let number: u64 = kind << 60 | (place % PLACES) << 48 | number & ((1 << 48) - 1);
        (number ^ self.spans).to_be_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_differ() {
        let recording = RecordingRow::default();
        let ids = Ids::new(&recording);
        let all = [
            Of::Recording,
            Of::Attempt(1),
            Of::Attempt(2),
            Of::Stage(1, 0),
            Of::Stage(1, 1),
            Of::Wait(1, 0),
            Of::Request(1),
            Of::Helper(1),
        ];
        let spans: std::collections::BTreeSet<_> = all.iter().map(|of| ids.span(*of)).collect();
        assert_eq!(spans.len(), all.len());
        let again = Ids::new(&recording);
        assert_eq!((again.trace(), again.span(all[3])), (ids.trace(), ids.span(all[3])));
        let mut other = recording;
        other.began_unix_ns += 1;
        assert_ne!(Ids::new(&other).trace(), ids.trace());
    }
}
