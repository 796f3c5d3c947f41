//! A writer of the archive format the kernel unpacks its initramfs from: cpio "newc".
//!
//! Documented in the kernel's Documentation/driver-api/early-userspace/buffer-format.rst. Every field of a header is
//! eight hexadecimal digits; names and contents are padded to four bytes.

use std::io::{self, Write};

/// File type bits of a mode.
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;

/// Writes an archive to `sink`, entry by entry; parents come before what is in them.
#[derive(Debug)]
pub(super) struct Archive<W> {
    sink: W,
    inode: u32,
}

impl<W: Write> Archive<W> {
    pub(super) fn new(sink: W) -> Self {
        Self { sink, inode: 0 }
    }

    pub(super) fn directory(&mut self, name: &str) -> io::Result<()> {
        self.entry(name, DIRECTORY | 0o755, (0, 0), &[])
    }

    pub(super) fn file(&mut self, name: &str, permissions: u32, contents: &[u8]) -> io::Result<()> {
        self.entry(name, REGULAR | (permissions & 0o7777), (0, 0), contents)
    }

    pub(super) fn symlink(&mut self, name: &str, target: &str) -> io::Result<()> {
        self.entry(name, SYMLINK | 0o777, (0, 0), target.as_bytes())
    }

    pub(super) fn character_device(&mut self, name: &str, device: (u32, u32)) -> io::Result<()> {
        self.entry(name, CHARACTER | 0o600, device, &[])
    }

    /// Writes the entry that ends the archive, and gives the sink back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.inode = 0;
        self.entry("TRAILER!!!", 0, (0, 0), &[])?;
        self.sink.flush()?;
        Ok(self.sink)
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), contents: &[u8]) -> io::Result<()> {
        let size = u32::try_from(contents.len()).map_err(|_| io::Error::other(format!("{name} is over 4 GiB")))?;
        let name_size = u32::try_from(name.len() + 1).map_err(io::Error::other)?;
        self.inode += 1;
        let links = if mode & DIRECTORY == DIRECTORY { 2 } else { 1 };
        let fields = [
            self.inode, mode, 0, 0, links, 0, size, 0, 0, device.0, device.1, name_size, 0,
        ]
        .map(|f| format!("{f:08x}"));
        let header = format!("070701{}{name}\0", fields.concat());
        self.padded(header.as_bytes())?;
        self.padded(contents)
    }

    fn padded(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sink.write_all(bytes)?;
        let over = bytes.len() % 4;
        if over > 0 {
            self.sink.write_all(&[0; 3][..4 - over])
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    /// Reads names, modes and contents back, by the format's own rules.
    fn entries(mut bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let mut found = Vec::new();
        while let Some(header) = bytes.get(..110).filter(|header| header.starts_with(b"070701")) {
            let field = |at: usize| {
                let digits = &header[6 + at * 8..14 + at * 8];
                std::str::from_utf8(digits)
                    .ok()
                    .and_then(|text| u32::from_str_radix(text, 16).ok())
                    .unwrap_or(u32::MAX)
            };
            let (mode, size, name_size) = (field(1), field(6) as usize, field(11) as usize);
            let name = String::from_utf8_lossy(&bytes[110..110 + name_size - 1]).into_owned();
            let start = (110 + name_size).next_multiple_of(4);
            found.push((name, mode, bytes[start..start + size].to_vec()));
            bytes = &bytes[(start + size).next_multiple_of(4)..];
        }
        found
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut archive = Archive::new(Vec::new());
        let written = archive
            .directory("usr")
            .and_then(|()| archive.file("usr/x", 0o755, b"hello"))
            .and_then(|()| archive.symlink("bin", "usr/bin"))
            .and_then(|()| archive.finish())
            .unwrap_or_default();
        assert_eq!(written.len() % 4, 0);
        let expected = [
            ("usr", 0o040_755, &b""[..]),
            ("usr/x", 0o100_755, b"hello"),
            ("bin", 0o120_777, b"usr/bin"),
            ("TRAILER!!!", 0, b""),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(n, m, c)| ((*n).to_owned(), *m, c.to_vec()))
            .collect();
        assert_eq!(entries(&written), expected);
    }
}
