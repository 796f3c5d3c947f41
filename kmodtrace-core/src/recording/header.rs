//! What a recording says about itself.

use super::{FORMAT, VERSION};
use crate::kernel::facts::Environment;
use crate::kernel::ring::Ring;
use crate::model::{Clock, Ktime, ProbedFunction};
use kmodtrace_common::ABI_VERSION;
use kmodtrace_common::kind;
use kmodtrace_common::record::{self, Layout};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The JSON object at the start of every recording; docs/recording-format.md describes its members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always `kmodtrace.recording`.
    pub format: String,
    /// Version of the container.
    pub version: u32,
    /// Version of the records.
    pub abi: u32,
    /// Version of the kmodtrace that wrote it.
    pub tool: String,
    /// The kernel that was traced.
    pub kernel: Kernel,
    /// Ties the clock of the records to the calendar.
    pub clock: Clock,
    /// Possible CPUs.
    pub cpus: u32,
    /// Which layout the records have: the hash of [`RecordLayouts`] of the build that made them. None in recordings that have the layouts
    /// themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// The machine's id, hashed so that nobody can tell which machine it is: recordings of one have the same. None where it has none, and
    /// where that was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// The machine's name; none where that was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What whoever recorded it says of the machine or the recording, such as `rack` and `7`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Which boot of the machine it was; none where that was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Boot>,
    /// The command that was run under the tracer.
    pub command: Option<Vec<String>>,
    /// What was found out about the kernel before the plan was made.
    pub facts: Option<Value>,
    /// The probes: chosen, refused, unobserved.
    pub plan: Value,
    /// Functions that were asked for by name, in the order of the numbers that records of their calls have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<ProbedFunction>,
    /// What no probe could see, in words.
    pub unobserved: Vec<String>,
    /// The kinds of records and where their fields are, in recordings of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<RecordLayout>,
}

/// Where the fields of each kind of record are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordLayouts {
    /// As [`Header::layout`] has it.
    pub layout: String,
    /// One for each kind.
    pub records: Vec<RecordLayout>,
}

/// The kernel, as uname has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// Such as `6.1.0-53-amd64`.
    pub release: String,
    /// Build number and date.
    pub version: String,
    /// Such as `x86_64`.
    pub arch: String,
}

/// A boot of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// `/proc/sys/kernel/random/boot_id`.
    pub id: String,
    /// `/proc/cmdline`.
    pub command_line: String,
    /// What the boot passed, in the order of time; empty where it was not recorded as a boot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<BootMark>,
    /// What the kernel's own ring has of the time before the tracer was attached; none where it was off, or not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring: Option<Ring>,
    /// The units that the default target waited for, that one last: each is ordered after the one before, and after none that was active
    /// later. Empty where there was no systemd to ask.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<BootUnit>,
}

/// A unit of systemd.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootUnit {
    /// Such as `systemd-udevd.service`.
    pub name: String,
    /// When it began to become active.
    pub activating_ns: Ktime,
    /// When it was.
    pub active_ns: Ktime,
}

/// Something that a boot passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootMark {
    /// What.
    pub milestone: Milestone,
    /// When.
    pub time_ns: Ktime,
}

/// What a boot passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Milestone {
    /// The tracer was attached.
    Attached,
    /// systemd began in the initramfs.
    Initramfs,
    /// The first program of the real root began.
    Userspace,
    /// The default target was reached.
    Finished,
    /// The boot was over, as far as loads of modules are concerned.
    Ended,
}

impl Milestone {
    /// In one word, for a line of time.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attached => "attached",
            Self::Initramfs => "systemd",
            Self::Userspace => "root",
            Self::Finished => "target",
            Self::Ended => "end",
        }
    }
}

impl Boot {
    /// When it passed this, where that is known.
    pub fn at(&self, milestone: Milestone) -> Option<Ktime> {
        let mark = self.marks.iter().find(|mark| mark.milestone == milestone);
        mark.map(|mark| mark.time_ns)
    }
}

/// A kind of record, for readers that do not know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordLayout {
    /// Its number.
    pub kind: u16,
    /// Its name.
    pub name: String,
    /// Bytes of the whole record.
    pub size: usize,
    /// Its fields, those of the common part first.
    pub fields: Vec<RecordField>,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordField {
    /// Its name.
    pub name: String,
    /// Bytes from the record's start.
    pub offset: usize,
    /// Bytes of it.
    pub size: usize,
}

impl Header {
    /// A header of this build's versions and records. Command, facts and unobserved are for the caller to set where there
    /// are any.
    pub fn new(tool: &str, kernel: Kernel, clock: Clock, cpus: u32, plan: Value) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            abi: ABI_VERSION,
            tool: tool.to_owned(),
            kernel,
            clock,
            cpus,
            layout: Some(RecordLayouts::of_this_build().layout),
            machine_id: None,
            host: None,
            tags: BTreeMap::new(),
            boot: None,
            command: None,
            facts: None,
            plan,
            functions: Vec::new(),
            unobserved: Vec::new(),
            records: Vec::new(),
        }
    }

    /// What the facts say that is in neither BTF nor kallsyms; none where they are missing, or not of the shape.
    pub fn environment(&self) -> Option<Environment> {
        Environment::deserialize(self.facts.as_ref()?).ok()
    }
}

impl RecordLayouts {
    /// Those of the records that this build makes and reads. The hash is the CRC-32 of their JSON, in eight hexadecimal digits.
    pub fn of_this_build() -> Self {
        let all = kind::ALL.iter();
        let records: Vec<_> = all
            .map(|&(kind, name, layout)| RecordLayout::new(kind, name, layout))
            .collect();
        // Plain numbers and names make JSON.
        let json = serde_json::to_vec(&records).unwrap_or_default();
        Self {
            layout: format!("{:08x}", crc32fast::hash(&json)),
            records,
        }
    }
}

impl RecordLayout {
    fn new(kind: u16, name: &str, layout: Layout) -> Self {
        // Every layout begins with the field `header`, which is opened up.
        let fields = record::Header::LAYOUT.fields.iter().chain(layout.fields.iter().skip(1));
        let field = |&(name, offset, size): &(&str, usize, usize)| RecordField {
            name: name.to_owned(),
            offset,
            size,
        };
        Self {
            kind,
            name: name.to_owned(),
            size: layout.size,
            fields: fields.map(field).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_fill_each_record() {
        for &(kind, name, layout) in kind::ALL {
            let record = RecordLayout::new(kind, name, layout);
            let end = record.fields.iter().fold(0, |end, field| {
                assert_eq!(field.offset, end, "{name}.{}", field.name);
                end + field.size
            });
            assert_eq!(end, record.size, "{name}");
        }
    }
}
