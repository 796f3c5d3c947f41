//! Files in folders where others may put things.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Opens a file to read. What is none is refused: a symbolic link, which may lead anywhere, a device, and a pipe, which would be waited for.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("not a file"))
    }
}

/// Whether this names something in a folder, and leads nowhere else.
pub(crate) fn is_name(name: &str) -> bool {
    Path::new(name).file_name() == Some(OsStr::new(name))
}

/// The ending of what waits for its name.
const UNNAMED: &str = "new";

/// Beside a file, the name of the one that will take its place once that is whole.
pub(crate) fn unnamed(path: &Path) -> PathBuf {
    path.with_added_extension(UNNAMED)
}

/// Writes a file that is there whole and on the disk, or not at all. Only one may write it at a time.
pub(crate) fn whole<E: From<io::Error>>(
    path: &Path,
    mode: u32,
    write: impl FnOnce(File) -> Result<File, E>,
) -> Result<(), E> {
    let new = unnamed(path);
    // What was left by one that was killed.
    let _ = fs::remove_file(&new);
    let begun = File::options().write(true).create_new(true).mode(mode).open(&new);
    let written = begun.map_err(E::from).and_then(write).and_then(|file| {
        file.sync_all()?;
        Ok(fs::rename(&new, path)?)
    });
    written.inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })?;
    Ok(sync_name(path)?)
}

/// Takes away files that were left in a folder of kmodtrace's own by those that were killed before they were whole. Nobody else may write
/// there meanwhile. What cannot be taken away harms nobody.
pub(crate) fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.extension() == Some(OsStr::new(UNNAMED)) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Brings the name of a file to the disk: it is there when its folder is.
pub(crate) fn sync_name(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// The folder that a file is in.
pub(crate) fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}
