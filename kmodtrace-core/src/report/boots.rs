//! The list of recorded boots.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::calendar;
use crate::recording::Header;
use crate::text::{bytes_text, printable};

/// The recorded boots, the last one first.
#[derive(Debug, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Boots {
    /// `kmodtrace.boots/1`.
    pub schema: &'static str,
    /// One for each.
    pub boots: Vec<BootRow>,
}

/// A recorded boot.
#[derive(Debug, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct BootRow {
    /// What commands take for it: -1 is the last one.
    pub number: i64,
    /// The boot's id.
    pub id: String,
    /// Nanoseconds since 1970-01-01 00:00 UTC when tracing began.
    pub began_unix_ns: u64,
    /// Nanoseconds since the kernel started, at that moment.
    pub began_ns: u64,
    /// As `uname -r` says.
    pub release: String,
    /// Size of the recording in bytes.
    pub bytes: u64,
    /// Where it is.
    pub path: String,
}

impl BootRow {
    /// Of a recording with this header, of so many bytes, that is there. Its number is given by the list.
    pub fn new(header: &Header, bytes: u64, path: String) -> Self {
        let id = header.boot.as_ref().map_or("unknown", |boot| &boot.id);
        Self {
            number: 0,
            id: id.to_owned(),
            began_unix_ns: header.clock.realtime_ns,
            began_ns: header.clock.monotonic_ns.0,
            release: header.kernel.release.clone(),
            bytes,
            path,
        }
    }
}

impl Boots {
    /// Of these, which come the oldest first.
    pub fn new(oldest_first: Vec<BootRow>) -> Self {
        let rows = (1..).zip(oldest_first.into_iter().rev());
        Self {
            schema: "kmodtrace.boots/1",
            boots: rows
                .map(|(number, row): (i64, _)| BootRow { number: -number, ..row })
                .collect(),
        }
    }

    /// A line each.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.boots.is_empty() {
            return writeln!(out, "no boot was recorded");
        }
        for boot in &self.boots {
            let when = calendar(boot.began_unix_ns / 1_000_000_000);
            let row = format!(
                "{:>3}  {when} UTC  {}  {}  {}",
                boot.number,
                boot.id,
                bytes_text(boot.bytes),
                boot.release
            );
            writeln!(out, "{}", printable(&row))?;
        }
        Ok(())
    }
}
