//! Files that are no recordings, and recordings that are damaged. That no bit and no cut lets a wrong record through is tested
//! where the reader is; here is what people get to see of it.

use std::fs;

use kmodtrace_common::kind;
use kmodtrace_core::records::decode::split;
use synth::Storm;

use crate::support::{Done, file, run, sample, sample_with, scratch};

/// Both commands that read a recording.
fn read(path: &str) -> [Done; 2] {
    [run(&["report", "--from", path]), run(&["trace", "--from", path])]
}

/// Lines of attempts.
fn lines(trace: &Done) -> usize {
    trace.attempts()
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = scratch("cannot_be_read");
    let missing = folder.join("missing").into_os_string().into_string().unwrap();
    let under_a_file = file(&folder, "file", "x") + "/below";
    for (path, said) in [
        (missing.as_str(), "kmodtrace record makes one"),
        (under_a_file.as_str(), "Not a directory"),
        (folder.to_str().unwrap(), "no recording in this folder"),
    ] {
        for done in read(path) {
            let line = done.refused(1);
            assert!(line.contains(path) && line.contains(said), "{line}");
        }
    }
}

#[test]
fn the_default_recording_is_named_when_it_is_missing() {
    let mut command = crate::support::kmodtrace(&["report"]);
    command.current_dir(scratch("no_default"));
    let done = crate::support::done(command);
    assert!(done.refused(1).contains("cannot read kmodtrace.data"), "{done:?}");
}

#[test]
fn other_files_are_no_recordings() {
    let folder = scratch("other_files");
    let mut random = 1_u64;
    let mut noise = |length: usize| -> Vec<u8> {
        let next = |_| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random.to_le_bytes()[0]
        };
        (0..length).map(next).collect()
    };
    let mut others = vec![
        b"PERFILE2".to_vec(),
        b"#!/bin/sh\n".to_vec(),
        vec![0; 4096],
        fs::read("/proc/self/exe").unwrap(),
    ];
    others.extend([1, 7, 8, 9, 64, 4096, 70_000].map(&mut noise));
    for (number, bytes) in others.iter().enumerate() {
        let path = file(&folder, &number.to_string(), bytes);
        for done in read(&path) {
            let line = done.refused(1);
            assert!(
                line.contains(&path) && line.contains("not a kmodtrace recording"),
                "{line}"
            );
            assert!(line.contains("at byte 0"), "{line}");
        }
    }
}

#[test]
fn a_recording_cut_within_its_header_holds_nothing() {
    let folder = scratch("header_cut");
    let sample = sample(24);
    let header = sample.blocks[0];
    for cut in [0, 1, 3, 4, 7, 8, 9, 100, header / 2, header - 1] {
        let path = file(&folder, "cut", &sample.bytes[..cut]);
        for done in read(&path) {
            let line = done.refused(1);
            assert!(
                line.contains(&path) && line.contains(&format!("at byte {cut}:")),
                "{line}"
            );
        }
    }
}

#[test]
fn a_recording_cut_later_shows_what_is_whole() {
    let folder = scratch("block_cut");
    let sample = sample(32);
    let blocks = sample.blocks.windows(2).enumerate();
    for (whole, ends) in blocks {
        let (begin, end) = (ends[0], ends[1]);
        for cut in [begin, begin + 1, begin + 23, begin + 24, end - 1] {
            let path = file(&folder, "cut", &sample.bytes[..cut]);
            let done @ [report, trace] = &read(&path);
            let why = if cut == begin {
                format!("{path}: its writer was killed: it has no trailer; what is whole is shown")
            } else {
                format!("{path}: cut short at byte {begin}: ")
            };
            for done in done {
                assert_eq!(done.status, Some(0), "{done:?}");
                assert_eq!(done.stderr.matches(&why).count(), 1, "{why}: {done:?}");
            }
            assert_eq!(report.stderr.lines().count(), 1, "{report:?}");
            assert!(
                report.stdout.contains("no trailer") || report.stdout.contains("cut short"),
                "{report:?}"
            );
            // Eight attempts to a block, and the trailer is alone in the last.
            assert_eq!(lines(trace), 8 * whole.min(4), "{trace:?}");
        }
    }
}

#[test]
fn a_newer_recording_is_refused_with_both_versions() {
    let folder = scratch("newer");
    let bytes = sample(8).bytes;
    for (now, then, said) in [
        (&br#""version":2}"#[..], &br#""version":7}"#[..], "format of version 7"),
        (br#""abi":"#, br#""abi":9"#, "records of version 9"),
    ] {
        let at = bytes.windows(now.len()).position(|window| window == now).unwrap();
        let mut newer = bytes.clone();
        newer[at..at + then.len()].copy_from_slice(then);
        for done in read(&file(&folder, "newer", newer)) {
            let line = done.refused(1);
            assert!(line.contains(said) && line.contains("knows up to version"), "{line}");
            assert!(line.contains("read it with kmodtrace 0.1.0"), "{line}");
        }
    }
}

#[test]
fn damage_is_an_error_after_what_was_before_it() {
    let folder = scratch("damage");
    let sample = sample(32);
    for (whole, offset) in sample.blocks.iter().enumerate() {
        let mut damaged = sample.bytes.clone();
        // In the data of the block: zstd's checksum finds it.
        damaged[offset + 24 + 12] ^= 0x40;
        let path = file(&folder, "damaged", damaged);
        let [report, trace] = read(&path);
        assert_eq!(lines(&trace), 8 * whole, "{trace:?}");
        let line = report.failed(1);
        assert!(line.contains(&path), "{line}");
        assert!(
            line.contains(&format!("the recording is damaged at byte {offset}: ")),
            "{line}"
        );
        assert_eq!(trace.status, Some(1));
        assert!(trace.stderr.ends_with(&format!("{line}\n")), "{trace:?}");
    }
}

#[test]
fn what_follows_the_trailer_is_damage() {
    let sample = sample(16);
    let path = file(&scratch("follows"), "long", [&sample.bytes[..], b"more"].concat());
    let [report, trace] = read(&path);
    let line = report.failed(1);
    assert!(
        line.contains(&format!(
            "damaged at byte {}: data follow the trailer",
            sample.bytes.len()
        )),
        "{line}"
    );
    assert_eq!(lines(&trace), 16);
}

/// Whole for zstd, and still not a record that this build understands: its kind has another size.
#[test]
fn a_record_of_another_layout_is_an_error_that_names_its_block() {
    let storm: Vec<u8> = Storm::new(1).flatten().collect();
    let mut record = split(&storm).next().unwrap().unwrap().to_vec();
    assert_ne!(record[..2], kind::ATTEMPT_EXIT.to_ne_bytes());
    record[..2].copy_from_slice(&kind::ATTEMPT_EXIT.to_ne_bytes());
    let sample = sample_with(&record);
    let path = file(&scratch("layout"), "layout", &sample.bytes);
    let [report, trace] = read(&path);
    let line = report.failed(1);
    assert!(
        line.contains(&format!(
            "{path}: in the block at byte {}: a record of kind ",
            sample.blocks[1]
        )),
        "{line}"
    );
    assert!(line.contains("another version made it"), "{line}");
    assert_eq!(trace.status, Some(1));
    assert!(
        !trace.stderr.contains("what is whole"),
        "the damage is told once: {trace:?}"
    );
    assert!(report.stdout.contains("damaged"), "{report:?}");
}
