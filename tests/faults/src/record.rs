//! `record`, each call about its files failed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::Given;
use crate::fault::Kind::{self, Fails, Kills};
use crate::fault::{Subject, fresh};
use crate::said::{kmodtrace, nothing_is_left, reads, run as said};

const FOLDER: &str = "/tmp/recorded";
const FILE: &str = "/tmp/recorded/a.kmt";
const OLD: &str = "/tmp/recorded/a.kmt.old";
const NEW: &str = "/tmp/recorded/a.kmt.new";
const COMMAND: [&str; 6] = ["kmodtrace", "record", "--output", FILE, "--", "true"];

const KINDS: [Kind; 11] = [
    Fails("write", "ENOSPC"),
    Fails("fsync", "EIO"),
    Fails("rename", "EIO"),
    Fails("openat", "EIO"),
    Fails("unlink", "EIO"),
    Fails("fallocate", "ENOSPC"),
    Fails("flock", "ENOLCK"),
    Kills("write"),
    Kills("fsync"),
    Kills("rename"),
    Kills("unlink"),
];

/// An older recording stays as itself or as `.old`, and the new one can be read as far as it came.
pub(crate) fn run(given: &Given) -> Result<String> {
    let (path, old) = (Path::new(FILE), Path::new(OLD));
    let before = || {
        fresh(Path::new(FOLDER))?;
        fs::copy(&given.recording, path)
            .map(drop)
            .context("cannot copy a recording")
    };
    let older = fs::read(&given.recording).context("cannot read a recording")?;
    let is_older = |path: &Path| fs::read(path).is_ok_and(|bytes| bytes == older);
    let files = [FOLDER, FILE, NEW, OLD].map(PathBuf::from);
    let subject = Subject {
        command: &COMMAND,
        done: &[0],
        failed: &[1],
        files: &files,
    };
    subject.fails(&KINDS, before, |kind, ended| {
        ensure!(is_older(path) || is_older(old), "the older one is gone");
        if ended.status == 0 || path.exists() {
            reads(path)?;
        }
        // What it could not take away, the next one does.
        if matches!(kind, Kills(_) | Fails("unlink", _)) {
            said(&mut kmodtrace(&COMMAND[1..]))?.ended(0)?;
        }
        nothing_is_left(Path::new(FOLDER))
    })
}
