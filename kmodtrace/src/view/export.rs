//! Files that an export makes, in the current folder; for its owner alone; none that is there is touched.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;

/// Opens the first of `kmodtrace-1.json`, `kmodtrace-2.json`, ... that is not there, and has it written.
pub(super) fn write(ending: &str, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<String> {
    for number in 1..10_000 {
        let name = format!("kmodtrace-{number}.{ending}");
        match File::options().write(true).create_new(true).mode(0o600).open(&name) {
            Ok(file) => {
                let mut out = BufWriter::new(file);
                // Nothing half-written stays.
                write(&mut out)
                    .and_then(|()| out.flush())
                    .inspect_err(|_| drop(std::fs::remove_file(&name)))?;
                return Ok(name);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("there are 9,999 of them already"))
}
