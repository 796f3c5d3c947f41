//! Stdout, which may be closed.

use std::io::{self, StdoutLock, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use kmodtrace_core::text::Harmless;
use rustix::fs::{OFlags, fcntl_getfl};

/// Stdout, for text with whatever names in it. An error where it is closed.
pub(crate) fn stdout() -> io::Result<impl Write> {
    raw_stdout().map(Harmless::new)
}

/// The same for bytes that are written as they are.
pub(crate) fn raw_stdout() -> io::Result<StdoutLock<'static>> {
    let out = io::stdout().lock();
    if is_closed(&out)? {
        return Err(io::Error::other("it is closed"));
    }
    Ok(out)
}

/// Where it is closed, the Rust runtime has put /dev/null there, open to read too, which no shell does.
fn is_closed(out: &StdoutLock<'_>) -> io::Result<bool> {
    if !fcntl_getfl(out)?.contains(OFlags::RDWR) {
        return Ok(false);
    }
    let found = std::fs::File::from(out.as_fd().try_clone_to_owned()?).metadata()?;
    let null = Path::new("/dev/null").metadata().map(|null| null.rdev());
    Ok(found.file_type().is_char_device() && null.is_ok_and(|null| null == found.rdev()))
}

/// What came of writing there.
pub(crate) fn written<T>(result: io::Result<T>) -> Result<T> {
    result.context("cannot write to stdout")
}
