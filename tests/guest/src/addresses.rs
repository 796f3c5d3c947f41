//! No address of the kernel is in a recording: its header and every field of its records are looked through.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use kmodtrace_common::kind;
use kmodtrace_core::recording::Reader;

/// The lowest address of the kernel's half with five levels of page tables, which QEMU's processor has.
const LOWEST: u64 = 0xff00_0000_0000_0000;
/// `-MAX_ERRNO` of include/linux/err.h: from here on a number is an errno.
const ERRNOS: u64 = (-4095_i64).cast_unsigned();
/// Digits of an address as text.
const DIGITS: usize = 16;

pub(crate) fn none(recording: &Path) -> Result<()> {
    let file = File::open(recording).with_context(|| format!("{}", recording.display()))?;
    let mut reader = Reader::new(BufReader::new(file))?;
    let header = serde_json::to_string(reader.header())?;
    ensure!(!is_in_text(header.as_bytes()), "an address in the header");
    while let Some(record) = reader.next_record()? {
        let number = record.first_chunk().map_or(0, |kind| u16::from_ne_bytes(*kind));
        let fields = kind::layout(number).context("of a kind that is not known")?.fields;
        for &(name, offset, size) in fields.iter().skip(1) {
            let field = record
                .get(offset..offset + size)
                .context("a record that is too short")?;
            let found = match field.try_into().map(u64::from_ne_bytes) {
                Ok(number) => (LOWEST..ERRNOS).contains(&number),
                Err(_) => is_in_text(field),
            };
            ensure!(!found, "an address in {name} of a record of kind {number}: {field:x?}");
        }
    }
    Ok(())
}

fn is_in_text(text: &[u8]) -> bool {
    text.windows(DIGITS)
        .any(|part| part.starts_with(b"ff") && part.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use guest_vm::paths;

    /// A recording of before has them.
    #[test]
    fn addresses_are_found() {
        let recording = paths::workspace().join("kmodtrace-core/tests/recordings/6.12-going.kmt");
        assert!(none(&recording).is_err_and(|error| error.to_string().starts_with("an address in module of")));
    }
}
