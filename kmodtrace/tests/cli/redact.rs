//! Copies of recordings for others to see: nothing private is left, and all else is as it was.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use kmodtrace_common::{kind, record};
use kmodtrace_core::recording::{Boot, Header, Reader, VERSION, Writer};
use kmodtrace_core::records::strings::strings;
use serde_json::Value;
use synth::hostile;
use zerocopy::{FromBytes as _, IntoBytes as _};

use crate::support::{Done, file, run, sample, scratch};

/// All recordings that tests have.
fn recordings() -> Vec<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kmodtrace-core/tests");
    let folders = ["recordings", "field"].map(|folder| fs::read_dir(tests.join(folder)).unwrap());
    let files = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|ending| ending == "kmt"))
        .collect()
}

/// Does this with each, two at a time.
fn with_each(test: &str, one: impl Fn(&Path, &Path) + Sync) {
    let folder = scratch(test);
    let recordings = recordings();
    assert!(recordings.len() > 20);
    std::thread::scope(|threads| {
        for half in recordings.chunks(recordings.len().div_ceil(2)) {
            threads.spawn(|| half.iter().for_each(|path| one(path, &folder)));
        }
    });
}

fn redact(path: &str, more: &[&str]) -> (Done, String) {
    let copy = format!("{path}.copy");
    let _ = fs::remove_file(&copy);
    let done = run(&[&["redact", path, "-o", &copy], more].concat());
    (done, copy)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A copy of its own in the test's folder, by a name that no other has.
fn copied(path: &Path, folder: &Path) -> String {
    let name = format!(
        "{}-{}",
        text(path.parent().unwrap().file_name().unwrap().as_ref()),
        text(path.file_name().unwrap().as_ref())
    );
    file(folder, &name, fs::read(path).unwrap())
}

/// Strings that stay, by the field that they are in. Others are private, also those that somebody adds.
fn stays(kind: u16, field: &str) -> bool {
    let is_program = kind == kind::HELPER_RUNS;
    let is_file = [kind::FILE, kind::READ_ENTER, kind::IDEMPOTENT_ENTER].contains(&kind);
    match field {
        "name" => !is_file,
        "symbol" => !is_program,
        "text" => kind == kind::STACK,
        "module" | "owner" | "work" => true,
        _ => false,
    }
}

const SECRET: &str = "xSECRETx";

/// A recording with the secret in all that is private.
fn with_secrets(recording: &[u8]) -> Vec<u8> {
    let mut reader = Reader::new(recording).unwrap();
    let mut header = reader.header().clone();
    header.machine_id = Some(SECRET.to_owned());
    header.host = Some(SECRET.to_owned());
    header.tags = [("a", SECRET), (SECRET, "b")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    header.command = Some(vec![SECRET.to_owned()]);
    header.boot = Some(Boot {
        id: SECRET.to_owned(),
        command_line: SECRET.to_owned(),
        ..Boot::default()
    });
    let mut writer = Writer::new(Vec::new(), &header).unwrap();
    while let Some(record) = reader.next_record().unwrap() {
        let mut record = record.to_vec();
        let kind = record::Header::read_from_prefix(&record).unwrap().0.kind;
        let layout = kind::layout(kind).unwrap();
        for (_, offset, size) in strings(&layout).filter(|(field, ..)| !stays(kind, field)) {
            let text = match kind {
                kind::PATH => format!("a.ko/{SECRET}/"),
                kind::ARGUMENT_STRING => format!("a={SECRET} b=\"1 {SECRET}\""),
                kind::UEVENT => format!("DEVPATH=/devices/{SECRET}\0ID_SERIAL={SECRET}\0MODALIAS=a\0"),
                kind::CGROUP => format!("/{SECRET}.slice/systemd-fsck@{SECRET}.service"),
                kind::PRINTK => format!("usb: {SECRET} Unknown symbol"),
                kind::HELPER_ENTER | kind::HELPER_RUNS => format!("/opt/{SECRET}"),
                _ => SECRET.to_owned(),
            };
            // And behind what is told.
            let room = &mut record[offset..offset + size];
            room.fill(b'S');
            room[..text.len()].copy_from_slice(text.as_bytes());
            if let Some(end) = room.get_mut(text.len()) {
                *end = 0;
            }
        }
        if let Ok(mut uevent) = record::Uevent::read_from_bytes(&record)
            && kind == kind::UEVENT
        {
            uevent.len = 60;
            record.copy_from_slice(uevent.as_bytes());
        }
        writer.push(&record).unwrap();
    }
    writer.flush_block().unwrap();
    writer.into_output()
}

/// All bytes that a recording has, and how many records.
fn content(path: &str) -> (Vec<u8>, usize) {
    let mut reader = Reader::new(File::open(path).unwrap()).unwrap();
    // Copies are of the version that this build writes.
    let header = Header {
        version: VERSION,
        ..reader.header().clone()
    };
    let mut bytes = serde_json::to_vec(&header).unwrap();
    let mut records = 0;
    while let Some(record) = reader.next_record().unwrap() {
        bytes.extend_from_slice(record);
        records += 1;
    }
    (bytes, records)
}

fn has(bytes: &[u8], what: &str) -> bool {
    bytes.windows(what.len()).any(|window| window == what.as_bytes())
}

#[test]
fn nothing_private_is_left() {
    with_each("redact_secrets", |path, folder| {
        let (hostile, _) = hostile(File::open(path).unwrap()).unwrap();
        let planted = copied(path, folder);
        fs::write(&planted, with_secrets(&hostile)).unwrap();
        let (done, copy) = redact(&planted, &[]);
        assert_eq!((done.status, done.stdout.as_str()), (Some(0), ""), "{done:?}");
        let (before, records) = content(&planted);
        let (after, copied) = content(&copy);
        // One of them has no record of a call.
        assert!(
            has(&before, SECRET) && (has(&before, "SSSSS") || records < 50),
            "{planted}"
        );
        for secret in ["SECRET", "SSSSS"] {
            assert!(!has(&after, secret), "{planted}");
        }
        assert_eq!(copied, records);
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o7777, 0o600);
        for words in [
            &["report", "--attempts", "--redact"][..],
            &["why"],
            &["graph"],
            &["trace"],
        ] {
            let done = run(&[words, &[&copy]].concat());
            assert_eq!(done.status, Some(0), "{words:?}: {done:?}");
            assert!(!done.stdout.contains("SECRET"));
        }
    });
}

/// What stands for what in a copy, by the key in a report.
#[derive(Default)]
struct StandIns(BTreeMap<String, String>);

impl StandIns {
    /// Compares two reports, leaf by leaf.
    fn compare(&mut self, at: &str, old: &Value, new: &Value) {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                assert!(old.keys().eq(new.keys()), "{at}");
                for (key, value) in old {
                    self.compare(&format!("{at}.{key}"), value, &new[key]);
                }
            }
            (Value::Array(old), Value::Array(new)) => {
                assert_eq!(old.len(), new.len(), "{at}: {old:?} {new:?}");
                for (old, new) in old.iter().zip(new) {
                    self.compare(at, old, new);
                }
            }
            (Value::String(old), Value::String(new)) => self.string(at, old, new),
            _ => assert_eq!(old, new, "{at}"),
        }
    }

    fn string(&mut self, at: &str, old: &str, new: &str) {
        const PRIVATE: &[&str] = &[
            "args", "boot_id", "by", "cgroup", "command", "comm", "evidence", "file", "path", "programs", "text",
        ];
        let key = at.rsplit('.').next().unwrap();
        let is_private = PRIVATE.contains(&key) || key.ends_with("_comm");
        let is_sentence = old.contains(' ');
        assert!(old == new || is_private || is_sentence, "{at}: {old:?} became {new:?}");
        if key.ends_with("comm") {
            let stand_in = self.0.entry(old.to_owned()).or_insert_with(|| new.to_owned());
            assert_eq!(stand_in, new, "{at}");
        }
    }
}

/// Rows that cost the same are in the order of their names.
fn sorted(report: &mut Value) {
    for list in ["askers", "services"] {
        if let Some(rows) = report["account"][list].as_array_mut() {
            rows.sort_by_cached_key(|row| {
                (
                    row["task_ns"].as_u64(),
                    row["loads"].as_u64(),
                    row["by_request"].as_bool(),
                )
            });
        }
    }
}

#[test]
fn the_copy_tells_the_same() {
    with_each("redact_same", |path, folder| {
        let whole = copied(path, folder);
        let (done, copy) = redact(&whole, &[]);
        assert_eq!(done.status, Some(0), "{done:?}");
        let report = |path: &str, more: &[&str]| {
            let done = run(&[&["report", path, "--attempts", "--format", "json"], more].concat());
            assert_eq!(done.status, Some(0), "{done:?}");
            done.stdout
        };
        let of_copy = report(&copy, &[]);
        assert_eq!(report(&whole, &["--redact"]), of_copy, "{whole}");
        let [mut old, mut new] =
            [report(&whole, &[]), of_copy].map(|text| serde_json::from_str::<Value>(&text).unwrap());
        sorted(&mut old);
        sorted(&mut new);
        let mut given = StandIns::default();
        given.compare("", &old, &new);
        let mut told: Vec<_> = given.0.values().collect();
        told.sort();
        told.dedup();
        assert_eq!(told.len(), given.0.len(), "two names became one: {:?}", given.0);
        assert_eq!(run(&["diff", &whole, &copy]).status, Some(0));
        // A copy of a copy says the same again.
        let (_, again) = redact(&copy, &[]);
        assert_eq!(content(&again), content(&copy));
    });
}

#[test]
fn what_is_kept_is_as_it_was() {
    let folder = scratch("redact_keep");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kmodtrace-core/tests");
    let nested = tests.join("recordings/6.1-nested.kmt");
    let whole = copied(&nested, &folder);
    let rows = |path: &str, key: &str| {
        let report: Value = serde_json::from_str(&run(&["report", path, "--attempts", "--json"]).stdout).unwrap();
        let rows = report["attempts"].as_array().unwrap().iter();
        rows.map(|row| row[key].clone()).collect::<Vec<_>>()
    };
    let (done, copy) = redact(&whole, &["--keep", "comm"]);
    assert_eq!(done.quiet(), "");
    assert_eq!(rows(&copy, "parent_comm"), rows(&whole, "parent_comm"));
    assert_ne!(rows(&copy, "log"), rows(&whole, "log"));
    let all = "command,comm,path,host,log,arguments,device";
    let (done, copy) = redact(&whole, &["--keep", all]);
    assert_eq!(done.quiet(), "");
    assert!(content(&copy) == content(&whole));
    let (hostile, _) = hostile(File::open(nested).unwrap()).unwrap();
    let planted = file(&folder, "planted.kmt", with_secrets(&hostile));
    for class in all.split(',') {
        let (done, copy) = redact(&planted, &["--keep", class]);
        assert_eq!(done.status, Some(0), "{done:?}");
        assert!(has(&content(&copy).0, SECRET), "{class}");
    }
    let unknown = run(&["redact", &whole, "-o", "x", "--keep", "names"]);
    assert!(unknown.refused(2).contains(&all.replace(',', ", ")), "{unknown:?}");
}

#[test]
fn what_is_there_is_never_written_over() {
    let folder = scratch("redact_existing");
    let path = file(&folder, "a.kmt", sample(8).bytes);
    for there in ["b.kmt", "c.kmt.new"] {
        file(&folder, there, "mine");
        let copy = folder.join(there.trim_end_matches(".new"));
        let done = run(&["redact", &path, "-o", text(&copy)]);
        assert!(done.refused(1).contains("choose another name with -o"), "{done:?}");
        assert_eq!(fs::read(folder.join(there)).unwrap(), b"mine");
    }
    assert!(run(&["redact", &path, "-o", &path]).refused(1).contains("exists"));
    assert!(
        run(&["redact", &path, "-o", "-"])
            .refused(1)
            .contains("name it with -o")
    );
    assert!(run(&["redact", &path]).refused(2).contains("--output <FILE>"));
}

#[test]
fn what_is_whole_of_a_damaged_recording_is_copied() {
    let folder = scratch("redact_damage");
    let sample = sample(32);
    let mut damaged = sample.bytes.clone();
    damaged[sample.blocks[2] + 24 + 12] ^= 0x40;
    let (done, copy) = redact(&file(&folder, "damaged.kmt", damaged), &[]);
    assert!(
        done.refused(1)
            .contains(&format!("damaged at byte {}", sample.blocks[2]))
    );
    let copied = run(&["trace", "--from", &copy]);
    assert_eq!((copied.status, copied.attempts()), (Some(0), 16));
    assert!(copied.stderr.contains("it has no trailer"), "{copied:?}");
    let (done, copy) = redact(&file(&folder, "cut.kmt", &sample.bytes[..=sample.blocks[3]]), &[]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(done.stderr.contains("cut short at byte"), "{done:?}");
    assert_eq!(run(&["trace", "--from", &copy]).attempts(), 24);
}

#[test]
fn records_of_unknown_kinds_are_left_out() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kmodtrace-core/tests");
    let mut reader = Reader::new(File::open(tests.join("recordings/6.12-errors.kmt")).unwrap()).unwrap();
    let mut writer = Writer::new(Vec::new(), &reader.header().clone()).unwrap();
    let mut numbered = 0;
    while let Some(record) = reader.next_record().unwrap() {
        let mut record = record.to_vec();
        let (mut head, _) = record::Header::read_from_prefix(&record).unwrap();
        numbered += u32::from(head.seq > 0);
        if numbered == 10 && head.seq > 0 {
            head.kind = 0x7777;
            record[..size_of_val(&head)].copy_from_slice(head.as_bytes());
        }
        writer.push(&record).unwrap();
    }
    writer.flush_block().unwrap();
    let path = file(&scratch("redact_unknown"), "a.kmt", writer.into_output());
    let (done, copy) = redact(&path, &[]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(done.stderr.contains("left out 1 record of kinds"), "{done:?}");
    assert_eq!(content(&copy).1 + 1, content(&path).1);
    let lost = |path: &str| {
        let report: Value = serde_json::from_str(&run(&["report", path, "--json"]).stdout).unwrap();
        report["quality"]["lost"].as_u64().unwrap()
    };
    assert_eq!((lost(&path), lost(&copy)), (0, 1));
    let (done, _) = redact(&path, &["-q"]);
    assert_eq!(done.quiet(), "");
}
