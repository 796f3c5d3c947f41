//! What the guest tells the host: lines (`release`, `status`), then `out` and a tar archive, then `end`.

use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};

use crate::process;

#[derive(Debug, Default)]
pub(super) struct Control {
    /// `uname -r`, once user space is up.
    pub(super) release: Option<String>,
    /// When that was.
    pub(super) up: Option<Instant>,
    /// The command's exit status.
    pub(super) status: Option<u8>,
    pub(super) archive: Archive,
    line: Vec<u8>,
    in_archive: bool,
}

impl Control {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.in_archive {
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.line.extend_from_slice(rest);
                return;
            };
            self.line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            self.take_line();
        }
        self.archive.bytes.extend_from_slice(rest);
    }

    fn take_line(&mut self) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line))
            .trim()
            .to_owned();
        match line.split_once(' ') {
            Some(("release", release)) => {
                self.release = Some(release.to_owned());
                self.up = Some(Instant::now());
            }
            Some(("status", status)) => self.status = status.parse().ok(),
            _ => self.in_archive = line == "out",
        }
    }
}

/// The archive of /out, and the line that ends it.
#[derive(Debug, Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
}

impl Archive {
    /// Unpacks into `dir`, which is made if need be.
    pub(super) fn unpack(&self, scratch: &Path, dir: &Path) -> Result<()> {
        // By 1 tar tells that a file changed while it was read, as one does that a task still writes to: the archive is whole.
        let ends = [b"end 0\n", b"end 1\n"];
        let Some(bytes) = ends.iter().find_map(|end| self.bytes.strip_suffix(*end)) else {
            // Either its tar failed, or the rest did not come.
            let last = self.bytes.rsplit(|byte| *byte == b'\n').nth(1).unwrap_or_default();
            let last = String::from_utf8_lossy(&last[last.len().saturating_sub(40)..]).into_owned();
            bail!(
                "what the guest sent of it is not complete: {} bytes, the last line {last:?}",
                self.bytes.len()
            );
        };
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let file = scratch.join("out.tar");
        fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
        let mut tar = Command::new("tar");
        tar.arg("-C")
            .arg(dir)
            .args(["--no-same-owner", "-xf"])
            .arg(&file)
            .stderr(Stdio::inherit());
        process::captured(&mut tar).map_err(io::Error::other)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Control;

    #[test]
    fn lines_then_bytes_in_any_pieces() {
        let sent = b"release 6.1.0\nstatus 3\nout\n\0tar\nstatus 4\nend 0\n";
        for size in 1..sent.len() {
            let mut control = Control::default();
            sent.chunks(size).for_each(|chunk| control.push(chunk));
            assert_eq!(control.release.as_deref(), Some("6.1.0"));
            assert_eq!(control.status, Some(3));
            assert_eq!(control.archive.bytes, b"\0tar\nstatus 4\nend 0\n");
        }
    }
}
