//! A recording without what tells of its machine and its users: stand-ins are in the place of that. All else stays as it is, so the copy reads
//! like any recording.

mod arguments;
mod device;
mod fields;
mod line;
mod paths;
mod private;
mod stand_ins;

use std::collections::BTreeSet;

use kmodtrace_common::{PATH_LEN, kind, record};
use zerocopy::{FromBytes as _, Immutable, IntoBytes};

use super::{Boot, Header};
use crate::model::{is_of_every_system, kind_of_task};
use crate::records::decode::{DecodeError, text};
use crate::records::strings::strings;
use fields::{Meaning, meaning};
pub use private::Private;
use stand_ins::StandIns;

/// Puts stand-ins in the place of what is private: into the header first, then into the records in their order. Who does so twice gets the
/// same twice.
#[derive(Clone, Debug)]
pub struct Redactor {
    keep: BTreeSet<Private>,
    log_words: BTreeSet<&'static str>,
    stand_ins: StandIns,
}

impl Redactor {
    /// Leaves these as they are. Of lines of the kernel log these words stay, which the kernel itself writes, and analyses go by.
    pub fn new(keep: BTreeSet<Private>, log_words: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            keep,
            log_words: BTreeSet::from_iter(log_words),
            stand_ins: StandIns::default(),
        }
    }

    /// Redacts a header. Facts and plan are of the kernel, and of nobody's.
    pub fn header(&mut self, header: &mut Header) {
        let Header {
            format: _,
            version: _,
            abi: _,
            tool: _,
            kernel: _,
            clock: _,
            cpus: _,
            layout: _,
            machine_id,
            host,
            tags,
            boot,
            command,
            facts: _,
            plan: _,
            functions,
            unobserved: _,
            records: _,
        } = header;
        if self.hides(Private::Host) {
            // A stand-in would make all machines one.
            (*machine_id, *host) = (None, None);
            tags.clear();
        }
        if let Some(boot) = boot {
            self.boot(boot);
        }
        if self.hides(Private::Command) {
            for word in command.iter_mut().flatten() {
                *word = self.stand_ins.of("word-", word);
            }
        }
        if self.hides(Private::Path) {
            let sources = functions.iter_mut().filter_map(|function| function.source.as_mut());
            sources.for_each(|source| source.file = self.path(&source.file));
        }
    }

    fn boot(&mut self, boot: &mut Boot) {
        let Boot {
            id,
            command_line,
            marks: _,
            ring,
            chain,
        } = boot;
        if self.hides(Private::Host) {
            // The same for each: nobody shall take two for one.
            "redacted".clone_into(id);
        }
        if self.hides(Private::Command) {
            *command_line = self.command_line(command_line);
        }
        if self.hides(Private::Comm) {
            let events = ring.iter_mut().flat_map(|ring| &mut ring.events);
            for comm in events.filter_map(|event| event.comm.as_mut()) {
                *comm = self.comm(comm);
            }
        }
        if self.hides(Private::Path) {
            for unit in chain {
                unit.name = self.unit(&unit.name);
            }
        }
    }

    /// Redacts a record where it lies. False for one of a kind that this build does not know: nobody knows what it holds.
    pub fn record(&mut self, record: &mut [u8]) -> Result<bool, DecodeError> {
        let Ok((record::Header { kind, .. }, _)) = record::Header::read_from_prefix(record) else {
            return Err(DecodeError::Short { len: record.len() });
        };
        let Some(layout) = kind::layout(kind) else {
            return Ok(false);
        };
        if layout.size != record.len() {
            return Err(DecodeError::Layout {
                kind,
                size: record.len(),
                expected: layout.size,
            });
        }
        for (name, offset, size) in strings(&layout) {
            // What nobody has said anything of is private.
            let meaning = meaning(kind, name).unwrap_or(Meaning::Unknown);
            if meaning.private().is_some_and(|private| !self.hides(private)) {
                continue;
            }
            match meaning {
                Meaning::Location => change(record, |path| self.location(path)),
                Meaning::Line => change(record, |line| self.log_line(line)),
                Meaning::Device => change(record, |uevent| self.uevent(uevent)),
                _ => {
                    if let Some(room) = record.get_mut(offset..).and_then(|rest| rest.get_mut(..size)) {
                        self.string(meaning, room);
                    }
                }
            }
        }
        Ok(true)
    }

    fn hides(&self, private: Private) -> bool {
        !self.keep.contains(&private)
    }

    /// Redacts a string that fills its field up to a NUL.
    fn string(&mut self, meaning: Meaning, room: &mut [u8]) {
        let old = text(room);
        let new = match meaning {
            Meaning::Public => old.clone(),
            Meaning::Comm => self.comm(&old),
            Meaning::FileName => self.file_name(&old),
            Meaning::Program => self.path(&old),
            Meaning::Cgroup => self.cgroup(&old),
            Meaning::Arguments => self.arguments(&old),
            Meaning::Location | Meaning::Line | Meaning::Device | Meaning::Unknown => String::new(),
        };
        put(&old, &new, room);
    }

    /// A task's name. Those of one kind stay of one kind: loads are counted by that.
    fn comm(&mut self, comm: &str) -> String {
        let kind = kind_of_task(comm);
        if comm.is_empty() || is_of_every_system(comm) {
            return comm.to_owned();
        }
        let new = if is_of_every_system(kind) {
            kind.to_owned()
        } else {
            self.stand_ins.of("task", kind)
        };
        if kind == comm {
            new
        } else {
            format!("{new}-{}", self.stand_ins.number("one of a kind", comm))
        }
    }

    fn log_line(&mut self, record: &mut record::Text) {
        let old = text(&record.text);
        let new = self.line(&old);
        if new != old {
            record.len = new.len() as u64;
        }
        put(&old, &new, &mut record.text);
    }

    /// Where the file of a load lies: components stand the last one first, a slash behind each.
    fn location(&mut self, record: &mut record::Path) {
        let old = text(&record.text);
        let mut components: Vec<&str> = old.split('/').filter(|name| !name.is_empty()).collect();
        components.reverse();
        let path = format!("/{}", components.join("/"));
        let redacted = self.path(&path);
        if redacted == path {
            return put(&old, &old, &mut record.text);
        }
        let components = redacted.rsplit('/').filter(|name| !name.is_empty());
        let new: String = components.flat_map(|name| [name, "/"]).collect();
        let was_cut = record.len as usize > PATH_LEN;
        let len = (new.len() + 1).max(if was_cut { PATH_LEN + 1 } else { 0 });
        record.len = u32::try_from(len).unwrap_or(u32::MAX);
        put(&old, &new, &mut record.text);
    }
}

/// Changes a record that is this struct.
fn change<T: zerocopy::FromBytes + IntoBytes + Immutable>(bytes: &mut [u8], change: impl FnOnce(&mut T)) {
    if let Ok(mut record) = T::read_from_bytes(bytes) {
        change(&mut record);
        bytes.copy_from_slice(record.as_bytes());
    }
}

/// Puts a string in the place of another one, and nothing behind it: the rest of a field may hold what was there before.
fn put(old: &str, new: &str, room: &mut [u8]) {
    if old == new {
        let kept = room.iter().position(|byte| *byte == 0).unwrap_or(room.len());
        room.iter_mut().skip(kept).for_each(|byte| *byte = 0);
        return;
    }
    // The last byte is a NUL, as where BPF programs wrote it.
    let bytes = new.bytes().take(room.len().saturating_sub(1));
    for (byte, new) in room.iter_mut().zip(bytes.chain(std::iter::repeat(0))) {
        *byte = new;
    }
}

#[cfg(test)]
mod tests;
