//! Records of real kernels in any order, by any task, at any time and with any number in them, as only a damaged or made-up file has them.
//!
//! An input is a run of [steps](STEP): whatever a fuzzer makes of its bytes are records that can be decoded, and a cut or a repeated
//! piece is one of the story.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::LazyLock;

use kmodtrace_core::model::{Finished, Ktime};
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::recording::{Header, Reader};
use kmodtrace_core::records::order::Loss;
use serde_json::Value;

/// Bytes of a step: which record (2), its time (1), its task (1), which other number of it is changed (1), and what to (3). Zeros but
/// for the first two are the record as it was.
const STEP: usize = 8;
/// Steps of a story at most, and of one that is a seed.
const STEPS: usize = 256;
const SEED_STEPS: usize = 64;
/// Bytes of a story at most.
pub(crate) const LONGEST: usize = STEP * STEPS;
/// Where a record has its time and its task: behind its kind, size, CPU and number.
const TIME: usize = 16;
const TID: usize = 24;
/// Tasks of a recording whose records are a seed each.
const TASKS: usize = 4;
/// Tasks beside those of recordings: few, so that they meet.
const TIDS: u32 = 4;
/// Times within the horizon of each other and beyond it, and the last ones that there are.
const NUMBERS: [u64; 6] = [0, 1, 1_000_000_000, 1_000_000_001, u64::MAX - 1, u64::MAX];

/// What recordings of real kernels hold.
pub(crate) struct Recorded {
    /// The header of one with functions of modules, without what takes time in every run of a target and is the same in all.
    pub(crate) header: Header,
    /// Records of all of them, in their order.
    pub(crate) records: Vec<Vec<u8>>,
    /// Where those of each recording begin in `records`.
    begins: Vec<usize>,
}

/// All recordings that the tests of the core have.
pub(crate) static RECORDED: LazyLock<Recorded> = LazyLock::new(|| {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kmodtrace-core/tests");
    let files = ["recordings", "field"].into_iter().flat_map(|folder| {
        let entries = fs::read_dir(tests.join(folder)).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    });
    let (mut records, mut begins) = (Vec::new(), Vec::new());
    for file in files {
        begins.push(records.len());
        let mut reader = Reader::new(File::open(file).unwrap()).unwrap();
        while let Some(record) = reader.next_record().unwrap() {
            records.push(record.to_vec());
        }
    }
    let drill = File::open(tests.join("recordings/6.1-drill.kmt")).unwrap();
    let mut header = Reader::new(drill).unwrap().header().clone();
    header.records.clear();
    header.plan["probes"].as_array_mut().unwrap().truncate(2);
    let facts = header.facts.as_mut().and_then(Value::as_object_mut).unwrap();
    facts.retain(|_, fact| !fact.is_object());
    Recorded {
        header,
        records,
        begins,
    }
});

/// The records of a story.
pub(crate) fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut before = 0;
    let steps = bytes.as_chunks::<STEP>().0.iter();
    steps.map(|step| record(*step, &mut before)).collect()
}

fn record([pick, more, time, tid, at, to @ ..]: [u8; STEP], before: &mut u64) -> Vec<u8> {
    let pick = usize::from(u16::from_le_bytes([pick, more])) % RECORDED.records.len();
    let mut record = RECORDED.records[pick].clone();
    let time = match time {
        0 => self::time(&record),
        // Milliseconds behind or in front of the one before: the horizon is 10.
        128.. => before.wrapping_add_signed((i64::from(time) - 160) * 1_000_000),
        _ => NUMBERS[usize::from(time) % NUMBERS.len()],
    };
    *before = time;
    record[TIME..TID].copy_from_slice(&time.to_le_bytes());
    if tid > 0 {
        let tid = (1 + u32::from(tid) % TIDS).to_le_bytes();
        record[TID..TID + 8].copy_from_slice(&[tid, tid].concat());
    }
    if at > 0 {
        let words = record[TID..].as_chunks_mut::<8>().0;
        let at = usize::from(at) % words.len();
        words[at] = number(to).to_le_bytes();
    }
    record
}

/// The time of a record.
pub(crate) fn time(record: &[u8]) -> u64 {
    u64::from_le_bytes(record[TIME..TID].try_into().unwrap())
}

/// One of the numbers at the ends, a power of two, or a small one of either sign, such as an errno.
fn number([kind, low, high]: [u8; 3]) -> u64 {
    match kind {
        0 => i64::from(i16::from_le_bytes([low, high])).cast_unsigned(),
        1 => 1 << (low % 64),
        _ => NUMBERS[usize::from(kind) % NUMBERS.len()],
    }
}

/// What finished in a story, and what is missing; and the time at its end.
pub(crate) fn finished(bytes: &[u8]) -> (Vec<Finished>, Loss, Ktime) {
    let mut pipeline = Pipeline::default();
    for record in records(bytes) {
        pipeline.push(&record).unwrap();
    }
    let end = pipeline.reached();
    let (finished, loss) = pipeline.finish();
    (finished, loss, end)
}

/// Of each recording its first steps, and those of a few of its tasks.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let ends = RECORDED.begins.iter().skip(1).copied().chain([RECORDED.records.len()]);
    for (begin, end) in RECORDED.begins.iter().copied().zip(ends) {
        let mut tasks: BTreeMap<[u8; 4], Vec<usize>> = BTreeMap::new();
        for pick in begin..end {
            let tid = RECORDED.records[pick][TID..TID + 4].try_into().unwrap();
            tasks.entry(tid).or_default().push(pick);
        }
        let mut tasks: Vec<_> = tasks.into_values().collect();
        tasks.sort_by_key(|picks| std::cmp::Reverse(picks.len()));
        tasks.truncate(TASKS);
        tasks.push((begin..end).collect());
        seeds.extend(tasks.iter().map(|picks| story(picks)));
    }
    seeds
}

/// These records as they were.
fn story(picks: &[usize]) -> Vec<u8> {
    let steps = picks.iter().take(SEED_STEPS).flat_map(|pick| {
        let mut step = [0; STEP];
        step[..2].copy_from_slice(&u16::try_from(*pick).unwrap().to_le_bytes());
        step
    });
    steps.collect()
}
