//! A recording as it is read: its records one after the other, and what to say about its end.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, Result};
use kmodtrace_core::model::{Finished, Ktime};
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::recording::{Header, Reader};
use kmodtrace_core::records::decode::DecodeError;
use kmodtrace_core::records::order::Loss;
use kmodtrace_core::report::Source;

use crate::failure::{FAILED, failure, say};

/// A recording that is open.
pub(crate) struct Replay {
    path: PathBuf,
    reader: Reader<File>,
    failed: bool,
}

/// Opens a recording and reads its header.
pub(crate) fn open(path: &Path) -> Result<Replay> {
    let file = File::open(path).map_err(|error| {
        let missing = error.kind() == ErrorKind::NotFound;
        let advice = if missing {
            ": --from names a recording, kmodtrace record makes one"
        } else {
            ""
        };
        failure(FAILED, format!("cannot read {}: {error}{advice}", path.display()))
    })?;
    let reader = Reader::new(file).with_context(|| path.display().to_string())?;
    Ok(Replay {
        path: path.to_owned(),
        reader,
        failed: false,
    })
}

impl Replay {
    /// The records, for somebody with another pace.
    pub(crate) fn into_reader(self) -> Reader<File> {
        self.reader
    }

    /// What the recording says about itself.
    pub(crate) fn header(&self) -> &Header {
        self.reader.header()
    }

    /// Hands over every record. Damage is an error, after what could be read before it.
    pub(crate) fn each(&mut self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        loop {
            match self.reader.next_record() {
                Ok(Some(record)) => take(record).map_err(|error| self.misfit(error))?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.failed = true;
                    return Err(error).with_context(|| self.path.display().to_string());
                }
            }
        }
    }

    /// Hands over all that a session makes of the records, also of those before damage; then how it ended, when, and what was lost.
    pub(crate) fn finished(&mut self, mut take: impl FnMut(Finished)) -> (Result<()>, Ktime, Loss) {
        let mut pipeline = Pipeline::default();
        let ended = self.each(|bytes| {
            pipeline.push(bytes)?;
            pipeline.take().into_iter().for_each(&mut take);
            Ok(())
        });
        pipeline.flush();
        let end = pipeline.reached();
        let (rest, loss) = pipeline.finish();
        rest.into_iter().for_each(take);
        (ended, end, loss)
    }

    /// Says where the record is that could not be decoded. Other errors have nothing to do with the recording.
    fn misfit(&mut self, error: Error) -> Error {
        if !error.is::<DecodeError>() {
            return error;
        }
        self.failed = true;
        error.context(format!(
            "{}: in the block at byte {}",
            self.path.display(),
            self.reader.block()
        ))
    }

    /// Why it ends before its time, where it does.
    pub(crate) fn truncated(&self) -> Option<String> {
        match self.reader.end() {
            Some(end) => end.cut(),
            None => self.failed.then(|| "damaged".to_owned()),
        }
    }

    /// Says on stderr why it ends before its time, unless the damage is told as an error.
    pub(crate) fn warn(&self, quiet: bool) {
        if let Some(why) = self.truncated().filter(|_| !quiet && !self.failed) {
            say(format_args!("{}: {why}; what is whole is shown", self.path.display()));
        }
    }

    /// What a report says besides the events.
    pub(crate) fn source(&self, loss: &Loss) -> Source {
        Source::of_recording(self.header(), loss, self.truncated())
    }
}
