//! JSON that somebody may look at.

use std::io::{self, Write};

use serde::Serialize;

/// Writes one JSON value with line breaks in it, and a newline.
pub fn write_json(value: &impl Serialize, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
