//! Recordings as somebody would write them who means harm: each string begins with what acts on a terminal, a spreadsheet or a browser,
//! and has a line feed in it.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Read;

use kmodtrace_common::record;
use kmodtrace_common::{kind, syscall};
use kmodtrace_core::model::Ktime;
use kmodtrace_core::recording::{Boot, Header, Reader, Writer};
use kmodtrace_core::records::strings::strings;
use serde_json::Value;
use zerocopy::{FromBytes as _, Immutable, IntoBytes};

use crate::TRACER;

/// They take turns.
const HARM: [&str; 16] = [
    "\x1b]0;PWN\x07",
    "=1+1",
    "\x1b[2J",
    "+1+1",
    "-2+3",
    "\u{202e}evil",
    "@SUM(1)",
    "a\rb",
    "\u{9b}31m",
    "\t=1",
    "\"><script>alert(1)</script>",
    "\u{7f}\x08",
    "\u{200e}\u{2066}",
    "\u{61c}\u{2028}",
    "a;b,c'\\",
    "\u{540d}\u{301}",
];

/// A string of records: the fields of their layout, and its name.
pub type StringField = (&'static [(&'static str, usize, usize)], &'static str);

/// All that records have.
pub fn string_fields() -> BTreeSet<StringField> {
    let fields = kind::ALL
        .iter()
        .flat_map(|(.., layout)| strings(layout).map(|(name, ..)| (layout.fields, name)));
    fields.collect()
}

/// The recording with harm in every string of its header and its records, and with a record of each kind that it lacks; also which strings
/// of records have it.
pub fn hostile(recording: impl Read) -> Result<(Vec<u8>, BTreeSet<StringField>), Box<dyn Error>> {
    let mut reader = Reader::new(recording)?;
    let mut harm = Harm::default();
    let mut header = reader.header().clone();
    harm.header(&mut header);
    let mut writer = Writer::new(Vec::new(), &header)?;
    let mut numbers: BTreeMap<u32, u64> = BTreeMap::new();
    while let Some(record) = reader.next_record()? {
        for mut record in with_others(record)? {
            let mut head = record::Header::read_from_prefix(&record)
                .map_err(|_| "a short record")?
                .0;
            harm.record(head.kind, &mut record);
            // More records than were counted.
            if head.seq > 0 {
                let number = numbers.entry(head.cpu).or_default();
                *number += 1;
                head.seq = *number;
            }
            record[..size_of_val(&head)].copy_from_slice(head.as_bytes());
            writer.push(&record)?;
        }
    }
    writer.flush_block()?;
    Ok((writer.into_output(), harm.done))
}

/// Harm in every string of a JSON value, but for names of what there is a list of.
pub fn spoil(value: &mut Value) {
    Harm::default().value(value);
}

/// A record, and behind it those that recordings of tests have none of.
fn with_others(record: &[u8]) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut all = vec![record.to_vec()];
    let kind = record::Header::read_from_prefix(record)
        .map_err(|_| "a short record")?
        .0
        .kind;
    if kind == kind::ATTEMPT_ENTER {
        let entry = record::AttemptEnter::read_from_bytes(record).map_err(|_| "no entry")?;
        let header = entry.header;
        if entry.syscall == syscall::DELETE_MODULE {
            return Ok(all);
        }
        all.push(
            TRACER
                .cgroup(Ktime(header.time_ns), entry.cgroup_id, "/system.slice")
                .to_vec(),
        );
        all.push(
            TRACER
                .refused(Ktime(header.time_ns), 1000, filled("insmod"), 3)
                .to_vec(),
        );
        let text = "DEVPATH=/devices\0MODALIAS=pci:v1\0SUBSYSTEM=pci\0ACTION=add\0";
        all.push(bytes(
            |header| record::Uevent {
                header,
                len: 0,
                reserved: 0,
                text: filled(text),
            },
            kind::UEVENT,
            header,
        ));
        all.push(bytes(
            |header| record::Path {
                header,
                whole: 1,
                len: 9,
                text: filled("a.ko/lib/"),
            },
            kind::PATH,
            header,
        ));
        all.push(bytes(
            |header| record::ArgumentString {
                header,
                text: filled("a=1"),
            },
            kind::ARGUMENT_STRING,
            header,
        ));
        let sender_comm = filled("udevd");
        all.push(bytes(
            |header| record::Signal {
                header,
                signal: 15,
                sender_tgid: 1,
                sender_comm,
            },
            kind::SIGNAL,
            header,
        ));
    }
    if kind == kind::REQUEST_BEGIN {
        let mut request = record::Request::read_from_bytes(record).map_err(|_| "no request")?;
        request.work = filled("work_func");
        let text = filled("a_function+0x1/0x2\nanother+0x3/0x4\n");
        let stack = bytes(
            |header| record::Stack {
                header,
                frames: 2,
                text,
            },
            kind::STACK,
            request.header,
        );
        all = vec![request.as_bytes().to_vec(), stack];
    }
    Ok(all)
}

fn bytes<T: IntoBytes + Immutable>(record: impl Fn(record::Header) -> T, kind: u16, header: record::Header) -> Vec<u8> {
    let size = u16::try_from(size_of::<T>()).unwrap_or(u16::MAX);
    record(record::Header { kind, size, ..header }).as_bytes().to_vec()
}

fn filled<const N: usize>(text: &str) -> [u8; N] {
    let mut room = [0; N];
    room[..text.len()].copy_from_slice(text.as_bytes());
    room
}

/// Which harm each text has: the same the same one, so that names still tell what belongs together.
#[derive(Default)]
struct Harm {
    given: BTreeMap<String, &'static str>,
    done: BTreeSet<StringField>,
}

impl Harm {
    fn text(&mut self, text: &str) -> String {
        let next = HARM[self.given.len() % HARM.len()];
        let harm = self.given.entry(text.to_owned()).or_insert(next);
        format!("{harm}\nFORGED {text}")
    }

    fn all<'t>(&mut self, texts: impl IntoIterator<Item = &'t mut String>) {
        texts.into_iter().for_each(|text| *text = self.text(text));
    }

    fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(value)),
            Value::Object(members) => {
                let listed = |name: &str| matches!(name, "schema" | "lost" | "preemption");
                let free = members.iter_mut().filter(|(name, _)| !listed(name));
                free.for_each(|(_, value)| self.value(value));
            }
            _ => {}
        }
    }

    fn header(&mut self, header: &mut Header) {
        let Header {
            tool,
            kernel,
            boot,
            command,
            facts,
            plan,
            functions,
            unobserved,
            machine_id,
            host,
            tags,
            ..
        } = header;
        let boot = boot.get_or_insert_with(Boot::default);
        self.all([
            tool,
            &mut kernel.release,
            &mut kernel.version,
            &mut kernel.arch,
            &mut boot.id,
            &mut boot.command_line,
        ]);
        self.all(boot.chain.iter_mut().map(|unit| &mut unit.name));
        self.all(command.get_or_insert_with(|| vec!["modprobe".to_owned()]));
        self.all(unobserved.iter_mut().chain(machine_id));
        let (mut name, mut value) = ("rack".to_owned(), "7".to_owned());
        self.all([host.get_or_insert_with(|| "node".to_owned()), &mut name, &mut value]);
        tags.insert(name, value);
        [plan].into_iter().chain(facts).for_each(|value| self.value(value));
        for function in functions {
            self.all(
                function
                    .module
                    .iter_mut()
                    .chain([&mut function.name])
                    .chain(&mut function.inlined),
            );
            self.all(function.source.iter_mut().map(|source| &mut source.file));
        }
    }

    fn record(&mut self, kind: u16, record: &mut [u8]) {
        let Some((.., layout)) = kind::ALL.iter().find(|(number, ..)| *number == kind) else {
            return;
        };
        for (name, offset, size) in strings(layout) {
            let room = &mut record[offset..offset + size];
            let text = String::from_utf8_lossy(room).trim_end_matches('\0').to_owned();
            if text.is_empty() {
                continue;
            }
            let text = match kind {
                kind::UEVENT => self.properties(&text),
                _ => self.text(&text),
            };
            let kept = text.len().min(room.len());
            room[..kept].copy_from_slice(&text.as_bytes()[..kept]);
            self.done.insert((layout.fields, name));
        }
        if let (kind::UEVENT, Ok(uevent)) = (kind, record::Uevent::mut_from_bytes(record)) {
            uevent.len = u32::try_from(uevent.text.len()).unwrap_or(u32::MAX);
        }
    }

    fn properties(&mut self, text: &str) -> String {
        let properties = text.split('\0').filter_map(|property| property.split_once('='));
        let properties: Vec<String> = properties
            .map(|(key, value)| format!("{key}={}\0", self.text(value)))
            .collect();
        properties.concat()
    }
}
