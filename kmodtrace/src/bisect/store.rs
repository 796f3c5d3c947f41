//! Files that are whole or not there.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use kmodtrace_core::text::write_json;
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{BISECT_FAILED, failure};
use crate::plain_file::{self, sync_name};

/// Writes a value as JSON. It is on the disk when this returns: the next thing that happens may be the end of this kernel.
pub(super) fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = Vec::new();
    write_json(value, &mut text)
        .and_then(|()| plain_file::whole(path, 0o666, |mut file| file.write_all(&text).map(|()| file)))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Brings a file that is whole to the disk and gives it its name.
pub(super) fn keep_as(from: &Path, to: &Path) -> Result<()> {
    let done = plain_file::open(from)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(from, to))
        .and_then(|()| sync_name(to));
    done.with_context(|| format!("cannot keep {} as {}", from.display(), to.display()))
}

/// A file that was not read.
pub(super) struct Unread {
    /// Which, and why.
    pub(super) why: String,
    /// The system refused, as where the disk fails: the file may be whole all the same.
    pub(super) is_refused: bool,
}

/// Reads a value; none where there is no such file.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Unread> {
    let unread = |error: &dyn Display, is_refused| Unread {
        why: format!("{}: {error}", path.display()),
        is_refused,
    };
    let text = match plain_file::open(path).and_then(io::read_to_string) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let is_link = error.raw_os_error() == Some(libc::ELOOP);
            return Err(unread(&error, error.raw_os_error().is_some() && !is_link));
        }
    };
    let value = serde_json::from_str(&text).map_err(|error| unread(&error, false))?;
    Ok(Some(value))
}

/// Held by whoever writes. It ends with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it, or says who has it.
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let path = folder.join("lock");
        let open = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path);
        let mut file = open.with_context(|| format!("cannot write {}", path.display()))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let owner = fs::read_to_string(&path).unwrap_or_default();
                let text = format!(
                    "{}: process {} is at work in this session; wait for it, or end it",
                    folder.display(),
                    owner.trim()
                );
                return Err(failure(BISECT_FAILED, text));
            }
            Err(error) => {
                return Err(io::Error::from(error)).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        let wrote = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        wrote.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { _file: file })
    }
}
