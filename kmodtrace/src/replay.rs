//! A recording as it is read: its records one after the other, and what to say about its end.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek as _, stdin};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::vec::IntoIter;
use std::{env, mem, thread};

use anyhow::{Context as _, Error, Result};
use kmodtrace_core::analysis::causes;
use kmodtrace_core::model::{Cgroups, Finished, Ktime, WaitStatus};
use kmodtrace_core::pipeline::Pipeline;
use kmodtrace_core::recording::{Header, Private, Reader, Redactor};
use kmodtrace_core::records::decode::DecodeError;
use kmodtrace_core::records::order::Loss;
use kmodtrace_core::report::Source;

use crate::cli;
use crate::failure::{FAILED, failure, say};
use crate::notice::Notices;
use crate::plain_file;

/// Things that are handed from the thread that decodes to the one that takes them at a time, and how often that one may be behind.
const BATCH: usize = 256;
const BATCHES: usize = 8;

/// A recording that is open.
pub(crate) struct Replay {
    path: PathBuf,
    reader: Reader<File>,
    /// The same, to be read from any place.
    source: Arc<File>,
    /// Its size; none where it is no file.
    bytes: Option<u64>,
    /// What leaves out what is private, as it is before the first record; none where nobody asked for that.
    redactor: Option<Redactor>,
    failed: bool,
    command_status: Option<WaitStatus>,
    cgroups: Cgroups,
}

/// Opens a recording and reads its header: a file, the newest recording of a folder, or standard input for `-`.
pub(crate) fn open(path: &Path) -> Result<Replay> {
    let (path, file) = found(path)?;
    read(&path, file)
}

/// Opens one by its name in a folder that somebody else may have filled: a file of that folder, and nothing that the name leads to.
pub(crate) fn open_in(folder: &Path, name: &str) -> Result<Replay> {
    let path = folder.join(name);
    if !plain_file::is_name(name) {
        return Err(failure(FAILED, format!("{}: not a name in its folder", path.display())));
    }
    let opened = plain_file::open(&path);
    let file = opened.map_err(|error| failure(FAILED, format!("cannot read {}: {error}", path.display())))?;
    read(&path, file)
}

/// Opens one that is gone through [`again`](Replay::again). What is no file, as a pipe, is copied to one without a name first.
pub(crate) fn open_again(path: &Path) -> Result<Replay> {
    let (path, mut file) = found(path)?;
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        let folder = env::temp_dir();
        let mut options = OpenOptions::new();
        let unnamed = options.read(true).write(true).custom_flags(libc::O_TMPFILE).mode(0o600);
        let mut copy = unnamed
            .open(&folder)
            .with_context(|| format!("cannot make a temporary file in {}", folder.display()))?;
        io::copy(&mut file, &mut copy).with_context(|| format!("cannot copy {}", path.display()))?;
        copy.rewind()?;
        file = copy;
    }
    read(&path, file)
}

fn found(path: &Path) -> Result<(PathBuf, File)> {
    if path == Path::new("-") {
        let input = stdin().as_fd().try_clone_to_owned().context("cannot read stdin")?;
        return Ok((PathBuf::from("stdin"), File::from(input)));
    }
    let path = if path.is_dir() { newest(path)? } else { path.to_owned() };
    let file = file(&path)?;
    Ok((path, file))
}

fn file(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| {
        let missing = error.kind() == ErrorKind::NotFound;
        let advice = if missing {
            ": name a recording, kmodtrace record makes one"
        } else {
            ""
        };
        failure(FAILED, format!("cannot read {}: {error}{advice}", path.display()))
    })
}

fn read(path: &Path, file: File) -> Result<Replay> {
    let meta = file.metadata().ok().filter(Metadata::is_file);
    let source = Arc::new(file.try_clone().with_context(|| path.display().to_string())?);
    let reader = Reader::new(file).with_context(|| path.display().to_string())?;
    Ok(Replay {
        path: path.to_owned(),
        reader,
        source,
        bytes: meta.map(|meta| meta.len()),
        redactor: None,
        failed: false,
        command_status: None,
        cgroups: Cgroups::default(),
    })
}

/// The recording of a folder that was written last.
fn newest(folder: &Path) -> Result<PathBuf> {
    let written = in_folder(folder)?
        .into_iter()
        .filter_map(|(path, meta)| Some((meta.modified().ok()?, path)));
    let (_, path) = written.max().ok_or_else(|| none_in(folder))?;
    Ok(path)
}

/// All recordings of a folder, in the order of their names.
pub(crate) fn all(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> = in_folder(folder)?.into_iter().map(|(path, _)| path).collect();
    all.sort();
    if all.is_empty() { Err(none_in(folder)) } else { Ok(all) }
}

/// The recordings of a folder: `kmodtrace.data`, and files that end in `.kmt`. What is gone by now, or is no file, is none.
fn in_folder(folder: &Path) -> Result<Vec<(PathBuf, Metadata)>> {
    let cannot = || format!("cannot read {}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let is_recording = path.extension().is_some_and(|ending| ending == "kmt") || path.ends_with(cli::DEFAULT_FILE);
        let meta = is_recording.then(|| fs::metadata(&path).ok()).flatten();
        found.extend(meta.filter(Metadata::is_file).map(|meta| (path, meta)));
    }
    Ok(found)
}

fn none_in(folder: &Path) -> Error {
    let text = format!(
        "{}: no recording in this folder (*.kmt or {})",
        folder.display(),
        cli::DEFAULT_FILE
    );
    failure(FAILED, text)
}

impl Replay {
    /// The same recording without what is private, but for these classes.
    pub(crate) fn redacted(mut self, keep: &[Private]) -> Self {
        let redactor = Redactor::new(keep.iter().copied().collect(), causes::log_words());
        self.reader = self.reader.redacted(redactor.clone());
        self.redactor = Some(redactor);
        self
    }

    /// The records, for somebody with another pace.
    pub(crate) fn into_reader(self) -> Reader<File> {
        self.reader
    }

    /// The bytes of the file; an error where it is none, which could not be read again.
    #[cfg(feature = "export")]
    pub(crate) fn size_of_file(&self) -> Result<u64> {
        let text = || {
            failure(
                FAILED,
                format!("{}: not a file, and only files can be read again", self.path.display()),
            )
        };
        self.bytes.ok_or_else(text)
    }

    /// What the recording says about itself.
    pub(crate) fn header(&self) -> &Header {
        self.reader.header()
    }

    /// Hands over every record, with how far in the file the one before it is. Damage is an error, after what could be read before it.
    pub(crate) fn each(&mut self, mut take: impl FnMut(&[u8], u64) -> Result<()>) -> Result<()> {
        loop {
            let so_far = self.reader.block();
            match self.reader.next_record() {
                Ok(Some(record)) => take(record, so_far).map_err(|error| self.misfit(error))?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.failed = true;
                    return Err(error).with_context(|| self.path.display().to_string());
                }
            }
        }
    }

    /// Hands over all that a session makes of the records, also of those before damage; then how it ended, when, and what was lost.
    ///
    /// Another thread reads and decodes meanwhile: that takes as long as what is made of it. What `take` gives back is freed by that
    /// thread, which made it: freed by another one, the two would wait for each other at every piece of memory. Somebody at a terminal
    /// is told how far it is, unless `quiet`.
    pub(crate) fn finished(
        &mut self,
        quiet: bool,
        mut take: impl FnMut(Finished) -> Option<Finished>,
    ) -> (Result<()>, Ktime, Loss) {
        let what = format!("reading {}", self.path.display());
        let progress = &Notices::new(quiet).begin(what, self.bytes);
        thread::scope(|scope| {
            let (batches, received) = mpsc::sync_channel(BATCHES);
            let (give_back, spent) = mpsc::channel();
            let send = move |batch| {
                spent.try_iter().for_each(drop);
                // Who takes them is there until there are no more.
                let _ = batches.send(batch);
            };
            let reading =
                thread::Builder::new().spawn_scoped(scope, move || self.decode(send, |block| progress.reached(block)));
            let reading = match reading {
                Ok(reading) => reading,
                Err(error) => {
                    let error = Error::new(error).context("cannot start a thread");
                    return (Err(error), Ktime::default(), Loss::default());
                }
            };
            for batch in received {
                let spent: Vec<Finished> = batch.into_iter().filter_map(&mut take).collect();
                // It has ended where nobody takes it.
                let _ = give_back.send(spent);
            }
            // A panic there is one here.
            reading.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// All that a session makes of the records, from the beginning, each time that this is called. Only of what was
    /// [opened for it](open_again); damage, which has been told by now, is the end.
    pub(crate) fn again(&self) -> impl Fn() -> Again + Send + Sync + use<> {
        let (source, redactor) = (Arc::clone(&self.source), self.redactor.clone());
        let redacted = move |reader: Reader<Beginning>| match &redactor {
            Some(redactor) => reader.redacted(redactor.clone()),
            None => reader,
        };
        move || Again {
            reader: Reader::new(Beginning::of(Arc::clone(&source))).ok().map(&redacted),
            pipeline: Pipeline::default(),
            ready: Vec::new().into_iter(),
        }
    }

    /// Every record once more, as the ring held it, as far as they can be read. Only of what was [opened for it](open_again); damage has been told by now.
    #[cfg(feature = "export")]
    pub(crate) fn each_again(&self, mut take: impl FnMut(&[u8]) -> Result<(), DecodeError>) {
        let Ok(mut reader) = Reader::new(Beginning::of(Arc::clone(&self.source))) else {
            return;
        };
        while let Ok(Some(record)) = reader.next_record() {
            if take(record).is_err() {
                return;
            }
        }
    }

    /// What [`finished`](Self::finished) does, by this thread alone, which is right where others read other recordings meanwhile. Nobody is told how far it is.
    pub(crate) fn finished_here(
        &mut self,
        mut take: impl FnMut(Finished) -> Option<Finished>,
    ) -> (Result<()>, Ktime, Loss) {
        self.decode(
            |batch| batch.into_iter().for_each(|finished| drop(take(finished))),
            |_| {},
        )
    }

    /// Hands over all that a session makes of the records, and tells how far it is.
    fn decode(&mut self, mut hand_over: impl FnMut(Vec<Finished>), reached: impl Fn(u64)) -> (Result<()>, Ktime, Loss) {
        let mut pipeline = Pipeline::default();
        let ended = self.each(|bytes, block| {
            reached(block);
            pipeline.push(bytes)?;
            if pipeline.ready() >= BATCH {
                hand_over(pipeline.take());
            }
            Ok(())
        });
        pipeline.flush();
        let end = pipeline.reached();
        self.command_status = pipeline.command_status();
        self.cgroups = pipeline.cgroups().clone();
        let (rest, loss) = pipeline.finish();
        hand_over(rest);
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

    /// How many records were left out, as nobody knows what they hold.
    pub(crate) fn left_out(&self) -> u64 {
        self.reader.unknown()
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
        Source::of_recording(self.header(), loss, self.truncated()).with_command_status(self.command_status)
    }

    /// The cgroups that the records tell of that were [handed over](Self::finished).
    pub(crate) fn cgroups(&self) -> &Cgroups {
        &self.cgroups
    }

    /// How the command ended that was run under the tracer, as far as the records tell that were [handed over](Self::finished).
    pub(crate) fn command_status(&self) -> Option<WaitStatus> {
        self.command_status
    }
}

/// All that a session makes of the records of a file.
pub(crate) struct Again {
    /// None at the end.
    reader: Option<Reader<Beginning>>,
    pipeline: Pipeline,
    ready: IntoIter<Finished>,
}

impl Iterator for Again {
    type Item = Finished;

    fn next(&mut self) -> Option<Finished> {
        loop {
            if let Some(finished) = self.ready.next() {
                return Some(finished);
            }
            // What a record that could not be decoded leaves behind is handed out as at the end.
            let pushed = match self.reader.as_mut()?.next_record() {
                Ok(Some(record)) => self.pipeline.push(record).is_ok(),
                Ok(None) | Err(_) => false,
            };
            self.ready = if pushed {
                self.pipeline.take()
            } else {
                self.reader = None;
                mem::take(&mut self.pipeline).finish().0
            }
            .into_iter();
        }
    }
}

/// A file from its beginning on, wherever others who read it are.
struct Beginning {
    file: Arc<File>,
    at: u64,
}

impl Beginning {
    fn of(file: Arc<File>) -> Self {
        Self { file, at: 0 }
    }
}

impl Read for Beginning {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
