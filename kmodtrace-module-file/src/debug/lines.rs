//! Lines of source: of an address, and the names of files.

use gimli::Unit;

use super::room::Room;
use super::{Debug, DebugError, Reader};

/// A stretch of code that is of one line.
struct Span {
    begin: u64,
    end: u64,
    file: u64,
    line: u32,
}

/// The lines of a unit's code.
#[derive(Default)]
pub(super) struct Rows(Vec<Span>);

impl Rows {
    /// Runs a unit's program of lines, up to where it is damaged.
    pub(super) fn read(unit: &Unit<Reader<'_>>, room: &Room) -> Result<Self, DebugError> {
        let mut spans = Vec::new();
        if let Some(program) = unit.line_program.clone() {
            let mut rows = program.rows();
            let mut open: Option<Span> = None;
            while let Ok(Some((_, row))) = rows.next_row() {
                room.line()?;
                let address = row.address();
                // Of several at one address the last one counts.
                if let Some(span) = open.take().filter(|span| span.begin < address) {
                    spans.push(Span { end: address, ..span });
                }
                open = (!row.end_sequence()).then(|| Span {
                    begin: address,
                    end: address,
                    file: row.file_index(),
                    line: row.line().and_then(|line| u32::try_from(line.get()).ok()).unwrap_or(0),
                });
            }
        }
        spans.sort_by_key(|span| span.begin);
        Ok(Self(spans))
    }

    /// The number of the file and the line of an address.
    pub(super) fn find(&self, address: u64) -> Option<(u64, u32)> {
        let behind = self.0.partition_point(|span| span.begin <= address);
        let span = self.0.get(behind.checked_sub(1)?)?;
        (address < span.end && span.line > 0).then_some((span.file, span.line))
    }
}

impl<'a> Debug<'a> {
    /// The name of a unit's file by its number: relative to where the compiler ran, where it is below that, and without folders where it
    /// is elsewhere: they say where somebody built the module, and recordings are handed on.
    pub(super) fn file_name(&self, unit: &Unit<Reader<'a>>, file: u64) -> Option<String> {
        let header = unit.line_program.as_ref()?.header();
        let file = header.file(file)?;
        let top = unit.comp_dir.and_then(|top| self.text(top)).unwrap_or_default();
        let directory = file.directory(header).and_then(|value| self.string(unit, value));
        let directory = directory.unwrap_or_default();
        let name = self.string(unit, file.path_name())?;
        if name.starts_with('/') || directory.is_empty() {
            return Some(relative(&name, &top));
        }
        let name = format!("{}/{name}", directory.trim_end_matches('/'));
        Some(relative(&name, &top))
    }
}

/// Without the directory in front, steps that stay or go back, and what goes up from it.
fn relative(name: &str, top: &str) -> String {
    let below = name.strip_prefix(top.trim_end_matches('/'));
    let name = match below.and_then(|rest| rest.strip_prefix('/')) {
        Some(below) if !top.is_empty() => below,
        _ if name.starts_with('/') => name.rsplit('/').next().unwrap_or_default(),
        _ => name,
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn names_are_as_short_as_they_can_be() {
        for (name, top, short) in [
            ("/build/fs/a.c", "/build", "fs/a.c"),
            ("/build/fs/a.c", "/build/", "fs/a.c"),
            ("/build/./fs/a.c", "/build", "fs/a.c"),
            ("/build/../../fs/a.c", "/build", "fs/a.c"),
            ("/build/fs/xfs/./b/../a.h", "/build", "fs/xfs/a.h"),
            ("./fs/a.c", "/build", "fs/a.c"),
            ("/builder/fs/a.c", "/build", "a.c"),
            ("/home/somebody/fs/a.c", "", "a.c"),
            ("/a.c", "/", "a.c"),
            ("a.c", "", "a.c"),
        ] {
            assert_eq!(relative(name, top), short, "{name} below {top}");
        }
    }
}
