//! The recordings of boots that are kept.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use kmodtrace_core::recording::Header;

use super::STORE;
use crate::failure::{FAILED, failure};
use crate::replay;

/// A recorded boot.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its size in bytes.
    pub(crate) bytes: u64,
    /// What it says about itself.
    pub(crate) header: Header,
}

impl Kept {
    /// The boot's id, which names the file.
    pub(crate) fn id(&self) -> &str {
        self.header.boot.as_ref().map_or("unknown", |boot| &boot.id)
    }
}

/// Where the recording of this boot is kept. An id is what the kernel made; of anything else only letters, digits and dashes count.
pub(super) fn path_of(id: &str) -> PathBuf {
    let id: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    Path::new(STORE).join(format!("{id}.kmt"))
}

/// The kept recording of the boot that runs now; none where there is none.
pub(crate) fn this_one() -> Option<PathBuf> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(path_of(id.trim_end())).filter(|path| path.exists())
}

/// All of them, the oldest first. A file that cannot be read is none; `stranger` is told of it.
pub(crate) fn list(mut stranger: impl FnMut(&Path, &anyhow::Error)) -> Result<Vec<Kept>> {
    let entries = match fs::read_dir(STORE) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {STORE}")),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {STORE}"))?.path();
        if path.extension().is_none_or(|ending| ending != "kmt") {
            continue;
        }
        match replay::open(&path) {
            Ok(recording) => found.push(Kept {
                bytes: fs::metadata(&path).map_or(0, |meta| meta.len()),
                header: recording.header().clone(),
                path,
            }),
            Err(error) => stranger(&path, &error),
        }
    }
    found.sort_by_key(|kept| kept.header.clock.realtime_ns);
    Ok(found)
}

/// The boot of this name: `-1` is the last one, `-2` the one before; else its id, or the beginning of it where no other begins so.
pub(crate) fn find(name: &str) -> Result<PathBuf> {
    let all = list(|_, _| {})?;
    if all.is_empty() {
        let text = format!("no boot was recorded: {STORE} has none; kmodtrace boot enable records the next ones");
        return Err(failure(FAILED, text));
    }
    if let Some(back) = name.strip_prefix('-').and_then(|back| back.parse::<usize>().ok()) {
        let kept = back.checked_sub(1).and_then(|back| all.iter().rev().nth(back));
        let number = all.len();
        return kept
            .map(|kept| kept.path.clone())
            .ok_or_else(|| failure(FAILED, format!("no boot {name}: {number} recorded, -1 is the last one")));
    }
    let mut begin = all.iter().filter(|kept| kept.id().starts_with(name));
    match (begin.next(), begin.next()) {
        (Some(kept), None) => Ok(kept.path.clone()),
        (None, _) => Err(failure(FAILED, format!("no boot {name}: kmodtrace boot list has them"))),
        (Some(_), Some(_)) => Err(failure(
            FAILED,
            format!("{name} begins the ids of several boots: give more of it"),
        )),
    }
}

/// The boots of these names, with commas between. One that is named twice would count for two.
pub(crate) fn find_all(names: &str) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = Vec::new();
    for name in names.split(',') {
        let path = find(name)?;
        if found.contains(&path) {
            return Err(failure(
                FAILED,
                format!("{name} names a boot that is in the set already"),
            ));
        }
        found.push(path);
    }
    Ok(found)
}

/// Removes the oldest, so that no more than this many are left.
pub(super) fn prune(keep: u32) -> Result<()> {
    let all = list(|_, _| {})?;
    let over = all.len().saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX));
    for kept in all.iter().take(over) {
        fs::remove_file(&kept.path).with_context(|| format!("cannot remove {}", kept.path.display()))?;
    }
    Ok(())
}
