//! What is where a recording is to go, and whether it may be written there.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use kmodtrace_core::recording;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::failure::{FAILED, failure};
use crate::output::raw_stdout;
use crate::plain_file;

fn refuse<T>(text: String) -> Result<T> {
    Err(failure(FAILED, text))
}

/// Stdout as a file.
pub(super) fn stdout() -> io::Result<File> {
    Ok(File::from(raw_stdout()?.as_fd().try_clone_to_owned()?))
}

pub(super) fn is_device(found: &Metadata) -> bool {
    !found.is_file() && !found.is_dir()
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Whether something belongs to this user, or to root, as /dev/null does.
fn is_own(found: &Metadata) -> bool {
    found.uid() == 0 || found.uid() == rustix::process::geteuid().as_raw()
}

/// Opens a device or a pipe. One of another user may be there to catch what is not for them, but for what stdout is already.
pub(super) fn device(path: &Path, found: &Metadata) -> Result<File> {
    let name = path.display();
    let is_stdout = stdout()
        .and_then(|stdout| stdout.metadata())
        .is_ok_and(|stdout| is_same(&stdout, found));
    let is_trusted = is_own(found) && path.symlink_metadata().is_ok_and(|link| is_own(&link));
    if !(is_stdout || is_trusted) {
        return refuse(format!(
            "{name} is not a file and belongs to another user (uid {}): choose another name with -o",
            found.uid()
        ));
    }
    let mut options = File::options();
    let opened = options.write(true).custom_flags(libc::O_NOCTTY).open(path);
    let file = opened.map_err(|error| failure(FAILED, format!("cannot write {name}: {error}")))?;
    if file.metadata().is_ok_and(|opened| is_same(&opened, found)) {
        Ok(file)
    } else {
        refuse(format!("{name} was replaced meanwhile"))
    }
}

/// What a symbolic link leads to.
pub(super) fn followed(path: &Path) -> Result<PathBuf> {
    let name = path.display();
    match path.symlink_metadata() {
        Ok(link) if link.is_symlink() => {
            if !is_own(&link) {
                return refuse(format!(
                    "{name} is a symbolic link of another user (uid {}): choose another name with -o",
                    link.uid()
                ));
            }
            let leads = path.canonicalize();
            leads.map_err(|error| failure(FAILED, format!("cannot write {name}, a symbolic link: {error}")))
        }
        _ => Ok(path.to_owned()),
    }
}

/// What is there that will be replaced, if anything: a recording that nobody writes any more, or an empty file.
pub(super) fn look(path: &Path) -> Result<Option<File>> {
    let name = path.display();
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => return refuse(format!("{name} is a directory: name a file in it with -o")),
        Ok(found) if !found.is_file() => {
            return refuse(format!("{name} is not a file: choose another name with -o"));
        }
        // What it is that cannot be looked at is told by whoever tries to write there.
        Err(_) => return Ok(None),
        Ok(_) => {}
    }
    let file = plain_file::open(path).with_context(|| format!("cannot read {name}"))?;
    if flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK) {
        return refuse(format!(
            "{name} is being written by another kmodtrace: choose another name with -o"
        ));
    }
    // An empty file holds nothing that could be lost.
    let is_empty = file.metadata().is_ok_and(|found| found.len() == 0);
    if !is_empty && !begins_as_recording(&file)? {
        return refuse(format!(
            "{name} exists and is not a recording: choose another name with -o"
        ));
    }
    Ok(Some(file))
}

/// Refuses to write where something is. What was left of a copy that was not finished is taken away as it is written anew: that is a
/// recording, and nothing else is.
pub(crate) fn refuse_existing(path: &Path) -> Result<()> {
    if path == Path::new("-") {
        return refuse("a copy is a file of its own: name it with -o".to_owned());
    }
    if path.symlink_metadata().is_ok() {
        return refuse(format!("{} exists: choose another name with -o", path.display()));
    }
    look(&plain_file::unnamed(path)).map(drop)
}

/// Whether a file begins as recordings do.
pub(crate) fn is_recording(path: &Path) -> Result<bool> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(begins_as_recording(&file)?)
}

fn begins_as_recording(file: &File) -> io::Result<bool> {
    let mut magic = recording::MAGIC.map(|_| 0);
    match file.read_exact_at(&mut magic, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| magic == recording::MAGIC),
    }
}
