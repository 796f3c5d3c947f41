//! `kmodtrace export parquet`: recordings of many machines as tables.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use kmodtrace_core::model::Zero;
use kmodtrace_core::report::Selection;
use kmodtrace_parquet::{Export, Tables, day};

use crate::cli;
use crate::command::gathered::{Parts, gather};
use crate::command::side_by_side::{Reached, Told, in_parallel};
use crate::failure::{FAILED, failure};
use crate::replay::{self, Replay};

/// Recordings whose rows go into one file, at most, and bytes of these: what a file's end says of all of it waits in memory.
const SET: usize = 4_096;
const SET_BYTES: u64 = 256 << 20;

/// A recording to read, and its size.
type Found = (PathBuf, u64);

/// Adds the recordings to the folder. One that cannot be read is told, and the others are there.
pub(crate) fn run(args: &cli::ExportParquet, quiet: bool) -> Result<ExitCode> {
    let told = Told::default();
    let cannot = |error: io::Error| failure(FAILED, format!("cannot write {}: {error}", args.folder.display()));
    let export = Export::begin(&args.folder).map_err(cannot)?;
    let days = by_day(&files(&args.files, &told), &told);
    let all = days.values().map(Vec::len).sum::<usize>() as u64;
    let reached = Reached::of(all, "exporting", quiet);
    for (day, recordings) in &days {
        for set in sets(recordings) {
            let tables = Tables::begin(&export, day).map_err(cannot)?;
            in_parallel(set, |(path, _)| {
                one(path, day, &tables, &told)?;
                reached.one_more();
                Ok(())
            })
            .and_then(|()| tables.finish())
            .map_err(cannot)?;
        }
    }
    export.commit().map_err(cannot)?;
    Ok(told.status())
}

/// Adds a recording: an error is one of writing.
fn one(path: &Path, day_of_set: &str, tables: &Tables, told: &Told) -> io::Result<()> {
    let mut recording = match replay::open(path) {
        Ok(recording) if day_of(&recording) == day_of_set => recording,
        Ok(_) => {
            told.say(format_args!(
                "{} was replaced meanwhile: it is left out",
                path.display()
            ));
            return Ok(());
        }
        Err(error) => {
            told.error(&error);
            return Ok(());
        }
    };
    let selection = Selection::default();
    let parts = Parts {
        attempts: true,
        answer: true,
    };
    let gathered = gather(&mut recording, &selection, Zero::Boot, parts, |recording, take| {
        recording.finished_here(take)
    });
    tables.add(&gathered.report)?;
    if let Some(missing) = gathered.missing {
        told.say(format_args!("{}: {missing}", path.display()));
    }
    match (gathered.ended, recording.truncated()) {
        (Err(error), _) => told.error(&error),
        (Ok(()), Some(why)) => told.say(format_args!("{}: {why}; what is whole is exported", path.display())),
        (Ok(()), None) => {}
    }
    Ok(())
}

/// The files that names mean.
fn files(names: &[PathBuf], told: &Told) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for name in names {
        if !name.is_dir() {
            files.push(name.clone());
            continue;
        }
        match replay::all(name) {
            Ok(all) => files.extend(all),
            Err(error) => told.error(&error),
        }
    }
    files
}

/// The recordings of each day, by what their headers say: as many files are open at a time as there are tables.
fn by_day(files: &[PathBuf], told: &Told) -> BTreeMap<String, Vec<Found>> {
    let mut days: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for path in files {
        match replay::open(path).and_then(|recording| Ok((day_of(&recording), recording.size_of_file()?))) {
            Ok((day, bytes)) => days.entry(day).or_default().push((path.clone(), bytes)),
            Err(error) => told.error(&error),
        }
    }
    days
}

fn day_of(recording: &Replay) -> String {
    day(recording.header().clock.realtime_ns)
}

/// Recordings whose rows go into one file.
fn sets(mut recordings: &[Found]) -> impl Iterator<Item = &[Found]> {
    std::iter::from_fn(move || {
        let mut bytes = 0_u64;
        let within = recordings.iter().take(SET).take_while(|(_, size)| {
            let is_first = bytes == 0;
            bytes = bytes.saturating_add(*size);
            is_first || bytes <= SET_BYTES
        });
        let (set, rest) = recordings.split_at(within.count());
        recordings = rest;
        (!set.is_empty()).then_some(set)
    })
}
