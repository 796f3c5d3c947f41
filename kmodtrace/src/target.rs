//! Where a recording goes. What is wrong with that is told before anything is attached, and what is there already stays until the
//! new recording has its header.

mod there;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use kmodtrace_core::recording::{Header, Reader, Writer};
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};
use rustix::io::Errno;

use crate::failure::{FAILED, failure};
use crate::output::written;
use crate::plain_file::{folder, sync_name, unnamed};
use there::{device, followed, is_device, look, stdout};
pub(crate) use there::{is_recording, refuse_existing};

/// Bytes that a disk must have room for: a header has some thirty thousand.
const ROOM: u64 = 64 << 10;

/// Where a recording goes.
pub(crate) struct Target {
    path: PathBuf,
    place: Place,
}

/// What is there.
enum Place {
    Stdout(File),
    /// A device or a pipe, which is written into as it is.
    Device(File),
    /// A recording, which is kept as `.old`, or nothing.
    File,
}

impl Target {
    /// What a user named: `-` is stdout, and it may be a device or a pipe.
    pub(crate) fn named(path: &Path) -> Result<Self> {
        let place = if path == Path::new("-") {
            Place::Stdout(written(stdout())?)
        } else {
            match path.metadata() {
                Ok(found) if is_device(&found) => Place::Device(device(path, &found)?),
                _ => return Self::file(path),
            }
        };
        Ok(Self {
            path: path.to_owned(),
            place,
        })
    }

    /// A file: neither a device nor a pipe, and what a symbolic link leads to only where the link is the user's own.
    pub(crate) fn file(path: &Path) -> Result<Self> {
        let path = followed(path)?;
        look(&path)?;
        try_out(&path)?;
        Ok(Self {
            path,
            place: Place::File,
        })
    }

    /// The command that shows what is recorded, where that stays.
    pub(crate) fn next(&self) -> Option<String> {
        matches!(self.place, Place::File).then(|| format!("kmodtrace report {}", self.path.display()))
    }

    /// The recording with its header. Before that is written, a file has another name: what is there already stays until then.
    pub(crate) fn begin(&self, header: &Header) -> Result<Writer<File>> {
        let begun = |file: File| Writer::new(file, header).map_err(|error| self.error(&error, ""));
        match &self.place {
            Place::Stdout(file) | Place::Device(file) => begun(file.try_clone()?),
            Place::File => {
                let new = unnamed(&self.path);
                let file = create(&new).map_err(|error| self.error(&error, ""))?;
                lock(&file);
                begun(file)
                    .and_then(|writer| self.put(&new).map(|()| writer))
                    .inspect_err(|_| {
                        // It holds nothing that anybody wants.
                        let _ = fs::remove_file(&new);
                    })
            }
        }
    }

    /// Gives the new recording its name. An older one is kept, which one without a record is not.
    fn put(&self, new: &Path) -> Result<()> {
        let older = look(&self.path)?.filter(holds_records);
        let old = older.map_or(Ok(()), |_| {
            fs::rename(&self.path, self.path.with_added_extension("old"))
        });
        old.and_then(|()| fs::rename(new, &self.path))
            .map_err(|error| self.error(&error, ""))?;
        // Not every file system can; there nothing more can be done.
        let _ = sync_name(&self.path);
        Ok(())
    }

    /// Brings a recording to the disk that is a file.
    pub(crate) fn sync(&self, recording: &File) -> io::Result<()> {
        match self.place {
            Place::Stdout(_) | Place::Device(_) => Ok(()),
            Place::File => recording.sync_all(),
        }
    }

    /// `then` is what there is all the same.
    pub(crate) fn error(&self, error: &io::Error, then: &str) -> anyhow::Error {
        if matches!(self.place, Place::Stdout(_)) && error.kind() == io::ErrorKind::BrokenPipe {
            return io::Error::from(io::ErrorKind::BrokenPipe).into();
        }
        failure(FAILED, format!("cannot write {self}: {error}{then}"))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Stdout(_) => f.write_str("stdout"),
            Place::Device(_) | Place::File => self.path.display().fmt(f),
        }
    }
}

/// Whether an older recording has anything to keep. One that is damaged, or that a later version made, has for all that is known.
fn holds_records(older: &File) -> bool {
    match Reader::new(older) {
        Ok(mut reader) => !matches!(reader.next_record(), Ok(None)),
        Err(_) => older.metadata().is_ok_and(|found| found.len() > 0),
    }
}

/// Makes the file that the recording begins in, as if for real, and takes it away: the name may be too long, the folder not to be written,
/// the disk full.
fn try_out(path: &Path) -> Result<()> {
    let new = unnamed(path);
    // What was left by one that was killed before its recording had its header.
    if look(&new)?.is_some() {
        fs::remove_file(&new).with_context(|| format!("cannot remove {}", new.display()))?;
    }
    let tried = create(&new).and_then(|file| {
        // It stays empty: one that is killed here leaves nothing that looks like somebody's file.
        let room = fallocate(&file, FallocateFlags::KEEP_SIZE, 0, ROOM);
        fs::remove_file(&new)?;
        match room {
            Err(error @ (Errno::NOSPC | Errno::DQUOT)) => Err(error.into()),
            // Not every file system can.
            _ => Ok(()),
        }
    });
    tried.map_err(|error| {
        let text = match error.kind() {
            io::ErrorKind::InvalidFilename => format!("cannot write {}: {error}", path.display()),
            _ => format!("cannot write into {}: {error}", folder(path).display()),
        };
        failure(FAILED, text)
    })
}

/// Makes a file that was not there, for this user alone: a recording says what goes on in the kernel.
fn create(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// Locks a recording for as long as it is written, which ends with this process however that ends: who follows it knows by
/// that whether more may come. Nobody is kept from reading it.
fn lock(file: &File) {
    // Some file systems have no locks; there nobody can follow.
    let _ = flock(file, FlockOperation::NonBlockingLockExclusive);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use kmodtrace_core::model::Ktime;
    use kmodtrace_core::records::event::Counters;
    use synth::{TRACER, header};

    use super::*;

    fn scratch(test: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("kmodtrace-target-{}-{test}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        folder
    }

    /// Writes a recording, with a record or without, and gives its bytes.
    fn record(path: &Path, whole: bool) -> Vec<u8> {
        let writer = Target::file(path).unwrap().begin(&header()).unwrap();
        if whole {
            writer
                .finish(&TRACER.trailer(Ktime(3), Counters::default(), false))
                .unwrap();
        }
        fs::read(path).unwrap()
    }

    #[test]
    fn a_recording_is_for_its_owner_alone() {
        let folder = scratch("mode");
        let path = folder.join("a.kmt");
        record(&path, true);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn one_without_a_record_takes_no_older_ones_place() {
        let folder = scratch("old");
        let path = folder.join("a.kmt");
        let first = record(&path, true);
        // As a full disk leaves them: the second takes the first one's name, and the third the second one's place.
        record(&path, false);
        record(&path, false);
        fs::write(&path, "").unwrap();
        record(&path, false);
        assert_eq!(fs::read(folder.join("a.kmt.old")).unwrap(), first);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_own_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = scratch("link");
        let (link, path) = (folder.join("link"), folder.join("a.kmt"));
        let first = record(&path, true);
        symlink("a.kmt", &link).unwrap();
        record(&link, true);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(folder.join("a.kmt.old")).unwrap(), first);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn one_that_is_being_written_stays_also_where_its_writer_came_in_between() {
        let folder = scratch("written");
        let path = folder.join("a.kmt");
        let second = Target::file(&path).unwrap();
        let _first = Target::file(&path).unwrap().begin(&header()).unwrap();
        let refused = |error: anyhow::Error| error.to_string().contains("is being written by another kmodtrace");
        assert!(second.begin(&header()).is_err_and(refused));
        assert!(Target::named(&path).is_err_and(refused));
        let names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["a.kmt"]);
        fs::remove_dir_all(folder).unwrap();
    }
}
