//! One writing of files into a folder, of which all is there or nothing.
//!
//! An export has a file `.ID.run` in the folder, which it holds a lock on. It writes under names that engines do not read, gives the files
//! their names when all are whole, those of `recordings` last, and takes `.ID.run` away: then it has happened. What is found with an
//! `.ID.run` that nobody holds was left by an export that was killed, and goes.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::tables;

/// The ending of the file that an export holds a lock on.
const RUN: &str = "run";
/// The ending of files that are being written.
const UNFINISHED: &str = "tmp";

/// An export.
pub struct Export {
    folder: PathBuf,
    id: String,
    /// With a lock, which ends with the process.
    held: Option<File>,
    files: Mutex<Vec<Begun>>,
}

/// A file that is being written.
struct Begun {
    unfinished: PathBuf,
    name: PathBuf,
    /// Whether rows count by it: it comes last.
    decides: bool,
}

impl Export {
    /// Begins one in this folder, which is made where it is not, and takes away what exports left there that were killed.
    pub fn begin(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        sweep(folder)?;
        loop {
            let now = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            let id = format!("{:016x}-{:x}", now.as_nanos(), process::id());
            let path = marker(folder, &id);
            let held = match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            // Another export that began meanwhile may take it for one that was left.
            if held.try_lock().is_ok() && path.exists() {
                return Ok(Self {
                    folder: folder.to_owned(),
                    id,
                    held: Some(held),
                    files: Mutex::default(),
                });
            }
        }
    }

    /// A new file of a table, for recordings of this day.
    pub(crate) fn create(&self, table: &str, day: &str) -> io::Result<File> {
        let folder = self.folder.join(table).join(format!("day={day}"));
        fs::create_dir_all(&folder)?;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{}-{}.parquet", self.id, files.len());
        let unfinished = folder.join(format!(".{name}.{UNFINISHED}"));
        let file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
        files.push(Begun {
            unfinished,
            name: folder.join(name),
            decides: table == tables::RECORDINGS,
        });
        Ok(file)
    }

    /// Gives the files their names. All of them are whole and on the disk.
    pub fn commit(mut self) -> io::Result<()> {
        for decides in [false, true] {
            let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            let mut folders = BTreeSet::new();
            for file in files.iter().filter(|file| file.decides == decides) {
                fs::rename(&file.unfinished, &file.name)?;
                // Each name, and the folders that the first one made.
                folders.extend(
                    file.name
                        .ancestors()
                        .skip(1)
                        .take_while(|folder| folder.starts_with(&self.folder)),
                );
            }
            folders.into_iter().try_for_each(sync)?;
        }
        fs::remove_file(marker(&self.folder, &self.id))?;
        // From here on it has happened, whatever else does.
        self.held = None;
        sync(&self.folder)
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if self.held.is_some() {
            // What cannot be taken away goes with the next export.
            let _ = take_away(&self.folder, &self.id);
        }
    }
}

fn marker(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!(".{id}.{RUN}"))
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Takes away what is left of exports that were killed.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let id = name
            .to_str()
            .and_then(|name| name.strip_prefix('.')?.strip_suffix(RUN)?.strip_suffix('.'));
        let Some(id) = id else { continue };
        let file = match File::open(marker(folder, id)) {
            // Its export is over.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            opened => opened?,
        };
        match file.try_lock() {
            Ok(()) if marker(folder, id).exists() => take_away(folder, id)?,
            // Its export took it away just now, because it had happened, or still holds it.
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Takes away all files of an export: those by which rows count first, what says that there are any last.
fn take_away(folder: &Path, id: &str) -> io::Result<()> {
    for table in tables::names() {
        let Some(days) = entries(&folder.join(table))? else {
            continue;
        };
        for day in days {
            for path in entries(&day)?.into_iter().flatten() {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let is_its = name
                    .trim_start_matches('.')
                    .strip_prefix(id)
                    .is_some_and(|rest| rest.starts_with('-'));
                if is_its {
                    fs::remove_file(&path)?;
                }
            }
        }
    }
    fs::remove_file(marker(folder, id))
}

/// What is in a folder; none where it is not one.
fn entries(folder: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()
            .map(Some),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}
