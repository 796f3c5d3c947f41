//! `boot keep`, each call failed. It has its files where it always has them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::Given;
use crate::fault::Kind::{self, Fails, Kills, Memory};
use crate::fault::{Subject, fresh};
use crate::said::{Said, kmodtrace, nothing_is_left, reads, run as said};

const RUN: &str = "/run/kmodtrace";
const STORE: &str = "/var/lib/kmodtrace/boots";
/// The recording of no boot has no id.
pub(crate) const KEPT: &str = "/var/lib/kmodtrace/boots/unknown.kmt";
pub(crate) const KEEP: [&str; 5] = ["kmodtrace", "boot", "keep", "--quiet-for", "0s"];

const KINDS: [Kind; 11] = [
    Fails("write", "ENOSPC"),
    Fails("fsync", "EIO"),
    Fails("rename", "EIO"),
    Fails("unlink", "EIO"),
    Fails("openat", "EIO"),
    Fails("flock", "ENOLCK"),
    Kills("write"),
    Kills("fsync"),
    Kills("rename"),
    Kills("unlink"),
    Memory,
];

/// A boot was recorded and is not kept yet.
pub(crate) fn recorded(given: &Given) -> Result<()> {
    fresh(Path::new(RUN))?;
    copy(&given.recording, &in_memory())
}

fn in_memory() -> PathBuf {
    Path::new(RUN).join("boot.kmt")
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

fn keep() -> Result<Said> {
    said(&mut kmodtrace(&KEEP[1..]))
}

pub(crate) fn run(given: &Given) -> Result<String> {
    let (store, earlier) = (Path::new(STORE), Path::new(STORE).join("earlier.kmt"));
    let bytes = fs::read(&given.recording).context("cannot read a recording")?;
    let is_given = |path: &Path| fs::read(path).is_ok_and(|found| found == bytes);
    let before = || {
        recorded(given)?;
        fresh(store)?;
        copy(&given.recording, &earlier)?;
        // A keeper of another boot was killed.
        fs::write(store.join("another.new"), "half").context("cannot write")
    };
    let files = [STORE, KEPT, "/var/lib/kmodtrace/boots/unknown.kmt.new", RUN].map(PathBuf::from);
    let files = [files.as_slice(), &[in_memory(), earlier.clone()]].concat();
    let subject = Subject {
        command: &KEEP,
        done: &[0],
        failed: &[1],
        files: &files,
    };
    subject.fails(&KINDS, before, |_, ended| {
        ensure!(is_given(&earlier), "the earlier boot is gone");
        let kept = Path::new(KEPT);
        if ended.status == 0 || kept.exists() {
            reads(kept)?;
        } else {
            ensure!(is_given(&in_memory()), "it is neither kept nor in memory");
        }
        // What it could not do, and what it could not take away, the next one does.
        recorded(given)?;
        keep()?.ended(0)?;
        ensure!(kept.exists() && !in_memory().exists(), "it is in memory all the same");
        nothing_is_left(store)
    })
}
