//! Running the program, and recordings for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use kmodtrace_core::model::{Clock, Ktime, Tgid, Tid, WaitStatus};
use kmodtrace_core::plan::{Coverage, Observed};
use kmodtrace_core::recording::{Header, Kernel, Writer};
use kmodtrace_core::records::decode::{Tracer, split};
use kmodtrace_core::records::event::Counters;
use synth::Storm;

/// The program, with arguments that are UTF-8.
pub(crate) fn kmodtrace(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmodtrace"));
    command.args(args).stdin(Stdio::null()).env_remove("RUST_LOG");
    command
}

/// How a run ended and what it said.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program to its end.
pub(crate) fn run(args: &[&str]) -> Done {
    done(kmodtrace(args))
}

/// Runs this to its end.
pub(crate) fn done(mut command: Command) -> Done {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Done {
        status: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

impl Done {
    /// It failed with this status and said why in one line, with nothing on stdout: that line.
    pub(crate) fn refused(&self, status: i32) -> &str {
        assert_eq!(self.stdout, "", "{self:?}");
        self.failed(status)
    }

    /// It failed with this status and said why in one line: that line.
    pub(crate) fn failed(&self, status: i32) -> &str {
        assert_eq!(self.status, Some(status), "{self:?}");
        let line = self.stderr.strip_suffix('\n').unwrap_or_default();
        assert!(line.starts_with("kmodtrace: ") && !line.contains('\n'), "{self:?}");
        line
    }

    /// How many attempts `trace` has printed: neither the titles nor requests or findings are any.
    pub(crate) fn attempts(&self) -> usize {
        let lines = self.stdout.lines().skip(1);
        let others = |line: &&str| line.starts_with("finding: ") || line.contains("  request        ");
        lines.filter(|line| !others(line)).count()
    }

    /// It went well and had nothing to say: its output.
    pub(crate) fn quiet(&self) -> &str {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        &self.stdout
    }
}

/// An empty folder for one test.
pub(crate) fn scratch(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes a file and gives its name.
pub(crate) fn file(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.into_os_string().into_string().unwrap()
}

/// A recording, and where its blocks begin.
pub(crate) struct Sample {
    pub(crate) bytes: Vec<u8>,
    pub(crate) blocks: Vec<usize>,
}

/// A recording of this many made-up attempts, eight in each block but the last, which has the trailer.
pub(crate) fn sample(attempts: u64) -> Sample {
    let mut storm = Storm::new(attempts);
    let blocks: Vec<Vec<u8>> = storm.by_ref().collect();
    written(&blocks, &storm)
}

/// A recording in which this was not observed.
pub(crate) fn sample_without(what: Observed) -> Vec<u8> {
    let mut coverage = Coverage::default();
    coverage.lose(what, "nobody watched");
    let mut header = header();
    header.plan = serde_json::json!({ "coverage": coverage });
    let mut storm = Storm::new(64);
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &header).unwrap();
    for round in storm.by_ref() {
        split(&round).for_each(|record| writer.push(record.unwrap()).unwrap());
    }
    writer.finish(&storm.trailer()).unwrap();
    bytes
}

/// A recording of made-up attempts, of which every eight are at a module with a name of its own.
pub(crate) fn sample_of_names(attempts: u64) -> Vec<u8> {
    let mut storm = Storm::new(attempts);
    let rounds: Vec<Vec<u8>> = storm.by_ref().collect();
    let renamed = |(number, mut round): (usize, Vec<u8>)| {
        let known = b"synthetic_";
        let name = format!("m{number:09}");
        for at in 0..round.len() - known.len() {
            if round[at..].starts_with(known) {
                round[at..at + known.len()].copy_from_slice(name.as_bytes());
            }
        }
        round
    };
    let rounds: Vec<Vec<u8>> = rounds.into_iter().enumerate().map(renamed).collect();
    written(&rounds, &storm).bytes
}

/// A recording of so many requests each of which depends on every other.
pub(crate) fn sample_of_knot(requests: u32) -> Vec<u8> {
    let mut storm = Storm::new(0);
    let records = storm.knot(requests);
    written(&[records], &storm).bytes
}

/// A recording whose second block holds this record besides.
pub(crate) fn sample_with(record: &[u8]) -> Sample {
    let mut storm = Storm::new(16);
    let mut blocks: Vec<Vec<u8>> = storm.by_ref().collect();
    blocks[1].extend_from_slice(record);
    written(&blocks, &storm)
}

/// A recording in which nothing happened, but that its command ended.
pub(crate) fn sample_of_command(command: &[&str], status: WaitStatus) -> Vec<u8> {
    let mut header = header();
    header.command = Some(command.iter().map(|word| (*word).to_owned()).collect());
    let tracer = Tracer {
        tid: Tid(1),
        tgid: Tgid(1),
    };
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &header).unwrap();
    writer.push(&tracer.command_end(Ktime(7), status)).unwrap();
    writer
        .finish(&tracer.trailer(Ktime(8), Counters::default(), false))
        .unwrap();
    bytes
}

fn header() -> Header {
    let kernel = Kernel {
        release: "6.1.0-56-cloud-amd64".to_owned(),
        version: "#1 SMP".to_owned(),
        arch: "x86_64".to_owned(),
    };
    let clock = Clock {
        monotonic_ns: Ktime(1_000_000_000),
        realtime_ns: 2,
    };
    Header::new("0.1.0", kernel, clock, 4, serde_json::Value::Null)
}

fn written(blocks: &[Vec<u8>], storm: &Storm) -> Sample {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &header()).unwrap();
    for block in blocks {
        split(block).for_each(|record| writer.push(record.unwrap()).unwrap());
        writer.flush_block().unwrap();
    }
    writer.finish(&storm.trailer()).unwrap();
    let blocks = block_offsets(&bytes);
    Sample { bytes, blocks }
}

/// Follows the lengths from block to block, as docs/recording-format.md has them.
fn block_offsets(bytes: &[u8]) -> Vec<usize> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut offsets = Vec::new();
    // Behind the two parts of the header.
    let mut at = 8 + number(4);
    at += 8 + number(at + 4);
    while at < bytes.len() {
        offsets.push(at);
        at += 24 + number(at + 8);
    }
    offsets
}
