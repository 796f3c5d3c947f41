//! Why a boot was not traced, or not to its end: written down, to be told when the machine is up.
//!
//! It stands in a file of /run. That is made before anything is attached, and has a line from then on: a tracer that is killed leaves
//! that line, and one that fills /run has room for another. Where not even that can be written, or the tracer cannot be started at all,
//! the kernel's log has what the hook of the initramfs heard.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};

use rustix::fs::OFlags;

const FILE: &str = "/run/kmodtrace/boot.error";
const LOG: &str = "/dev/kmsg";

/// What is true until the tracer says more. It cannot when it is killed.
const UNTOLD: &str = "the tracer did not say how it ended: it was killed, or is not attached yet";

/// What the tracer owes until it has ended. It stays open: a tracer of the initramfs does not see /run once that is the real root's.
pub(super) struct Reason(Option<File>);

impl Reason {
    /// From now on it is owed.
    pub(super) fn owed() -> Self {
        let begin = || -> io::Result<File> {
            let mut file = File::create(FILE)?;
            file.write_all(format!("{UNTOLD}\n").as_bytes())?;
            Ok(file)
        };
        // Where that fails, the log is left.
        Self(begin().ok())
    }

    /// The tracer has ended, because of this if it failed.
    pub(super) fn pay(self, failed: Option<&anyhow::Error>) {
        let Some(file) = self.0 else { return };
        let line = failed.map_or_else(String::new, |error| format!("{error:#}\n"));
        // Over the other line, which needs no room, and as many bytes as this one has.
        let _ = file
            .write_all_at(line.as_bytes(), 0)
            .and_then(|()| file.set_len(line.len() as u64));
    }
}

/// What the tracer of this boot said, or owes. None where nothing failed, or nothing could be written down.
pub(crate) fn told() -> Option<String> {
    let text = fs::read_to_string(FILE).ok()?;
    text.lines().next().map(str::to_owned)
}

/// The last that the kernel's log has of kmodtrace. None where it has nothing, has it no longer, or may not be read.
pub(crate) fn logged() -> Option<String> {
    let mut log = File::options()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(LOG)
        .ok()?;
    let mut record = vec![0; 8192];
    let mut last = None;
    loop {
        match log.read(&mut record) {
            Ok(0) => return last,
            Ok(length) => last = said(&record[..length]).or(last),
            // Records that were to be read next are gone: it goes on behind them.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            // The end.
            Err(_) => return last,
        }
    }
}

/// What a record says, if it is of kmodtrace: `3,42,1000000,-;kmodtrace: this` (Documentation/ABI/testing/dev-kmsg).
fn said(record: &[u8]) -> Option<String> {
    let record = String::from_utf8_lossy(record);
    let (_, text) = record.split_once(';')?;
    let text = text.lines().next()?.strip_prefix("kmodtrace: ")?;
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_log_is_ours_by_its_beginning() {
        let ours = b"12,339,5140900,-;kmodtrace: boot trace --detach ended with status 127\n SUBSYSTEM=x\n";
        assert_eq!(said(ours).as_deref(), Some("boot trace --detach ended with status 127"));
        for other in [
            &b"6,1,0,-;Linux version 6.12; kmodtrace: no\n"[..],
            b"kmodtrace: no",
            b"6,1,0,-;",
            b"",
            b"\xff;\xff",
        ] {
            assert_eq!(said(other), None);
        }
    }
}
