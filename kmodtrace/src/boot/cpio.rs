//! An archive that is given to the kernel beside the initramfs: kmodtrace without any change of that.

use std::fs;
use std::io::{self, Write as _};

use anyhow::{Context as _, Result};

use crate::failure::{FAILED, failure};

const RDINIT: &str = include_str!("hooks/rdinit");

/// Its bytes: this program, which has to be a static one, since the libraries of an initramfs may be others, and what starts it.
pub(crate) fn cpio() -> Result<Vec<u8>> {
    let maps = fs::read_to_string("/proc/self/maps").context("cannot read /proc/self/maps")?;
    if maps.lines().any(|line| line.contains("/ld-")) {
        let text =
            "this program needs libraries that an initramfs may not have: use a static build (README, Tracing a boot)";
        return Err(failure(FAILED, text));
    }
    let program = fs::read("/proc/self/exe").context("cannot read this program")?;
    archive(&[("kmodtrace-init", RDINIT.as_bytes()), ("kmodtrace", &program)]).context("cannot make the archive")
}

/// An archive of executable files in the format newc (Documentation/driver-api/early-userspace/buffer-format.rst). Its length is a
/// multiple of 4, so others may follow; the kernel does not look at one that begins elsewhere.
fn archive(files: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    const EXECUTABLE: u32 = 0o100_755;
    let mut archive = Vec::new();
    for (number, (name, content)) in (1..).zip(files) {
        entry(&mut archive, number, EXECUTABLE, name, content)?;
    }
    entry(&mut archive, 0, 0, "TRAILER!!!", &[])?;
    Ok(archive)
}

fn entry(archive: &mut Vec<u8>, inode: u32, mode: u32, name: &str, content: &[u8]) -> io::Result<()> {
    let long = |length: usize| u32::try_from(length).map_err(io::Error::other);
    // Inode, mode, owner, group, links, time, size, two device numbers of the file's place, two of the file, the name's size with its
    // NUL, and a check that this format does not have.
    let numbers = [
        inode,
        mode,
        0,
        0,
        1,
        0,
        long(content.len())?,
        0,
        0,
        0,
        0,
        long(name.len() + 1)?,
        0,
    ];
    archive.extend(b"070701");
    for number in numbers {
        write!(archive, "{number:08X}")?;
    }
    archive.extend(name.as_bytes());
    archive.push(0);
    pad(archive);
    archive.extend(content);
    pad(archive);
    Ok(())
}

fn pad(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_begin_at_multiples_of_4() {
        let archive = archive(&[("a", b"12345"), ("bc", b"")]).unwrap();
        let text = String::from_utf8_lossy(&archive);
        assert_eq!(archive.len() % 4, 0);
        assert!(text.starts_with("07070100000001000081ED"), "{text}");
        // 110 bytes of numbers, then the name, then the content, each up to the next multiple of 4.
        assert_eq!(&archive[110..112], b"a\0");
        assert_eq!(&archive[112..120], b"12345\0\0\0");
        assert_eq!(&archive[120..126], b"070701");
        assert!(text.contains("TRAILER!!!\0"), "{text}");
    }
}
