//! JSON that somebody may look at, and what it is made of.

use std::io::{self, BufWriter, IntoInnerError, Write};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;

use super::Harmless;

/// Writes one JSON value with line breaks in it, and a newline.
pub fn write_json(value: &impl Serialize, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let mut out = gathered(out);
    serde_json::to_writer_pretty(&mut out, value)?;
    end(out)
}

/// Writes one JSON value on a line.
pub fn write_json_line(value: &impl Serialize, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let mut out = gathered(out);
    serde_json::to_writer(&mut out, value)?;
    end(out)
}

/// `serde_json` writes a few bytes at a time, which are looked through together: `BufWriter` never parts what it was given at once.
fn gathered<W: Write>(out: W) -> BufWriter<Harmless<W>> {
    BufWriter::new(Harmless::json(out))
}

/// Ends the line, and passes on what was gathered, without more: whoever has `out` knows when to flush it.
fn end(mut out: BufWriter<impl Write>) -> io::Result<()> {
    writeln!(out)?;
    out.into_inner().map(drop).map_err(IntoInnerError::into_error)
}

/// The JSON Schema (draft 2020-12) of this as it is written: what is always there is required, null or not.
pub fn json_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_escaped_and_reads_back() {
        let name = "\u{1b}\u{7f}\u{9b}\u{61c}\u{200e}\u{2028}\u{202e}\u{2069}\n\"\u{e4}";
        let write = |write: fn(&str, &mut Vec<u8>) -> io::Result<()>| {
            let mut out = Vec::new();
            write(name, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let line = write(|name, out| write_json_line(&[name], out));
        assert_eq!(
            line,
            "[\"\\u001b\\u007f\\u009b\\u061c\\u200e\\u2028\\u202e\\u2069\\n\\\"\u{e4}\"]\n"
        );
        let broken = write(|name, out| write_json(&[name], out));
        assert_eq!(broken, line.replace('[', "[\n  ").replace(']', "\n]"));
        assert_eq!(serde_json::from_str::<[String; 1]>(&broken).unwrap(), [name]);
    }
}
