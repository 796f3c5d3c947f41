//! Looks up the paths of cgroups while they exist: records have ids, which say nothing once a service has ended.

use std::collections::{BTreeSet, HashSet};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use kmodtrace_common::{kind, record};
use rustix::fs::{Dir, FileType, Mode, OFlags, fstat, openat};
use tracing::info;
use zerocopy::FromBytes as _;

use super::mount;

/// Ids that are looked up in all.
const MOST: usize = 4_096;
/// Directories that one look goes through at the most.
const DIRECTORIES: usize = 16_384;
/// The shortest time between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// With so many cgroups that a look takes long, the pause is longer: this many times as long.
const SHARE: u32 = 20;

/// Which cgroups are known, and which are still to be looked up.
#[derive(Debug)]
pub(crate) struct Cgroups {
    /// None where it cannot be had. Opened once: what was started in an initramfs sees no mount of the real root.
    root: Option<OwnedFd>,
    seen: HashSet<u64>,
    asked: BTreeSet<u64>,
    next: Option<Instant>,
}

impl Cgroups {
    /// None is known yet.
    pub(super) fn new() -> Self {
        let root = mount::cgroups().inspect_err(|error| info!("cgroups have no names here: {error}"));
        Self {
            root: root.ok(),
            seen: HashSet::new(),
            asked: BTreeSet::new(),
            next: None,
        }
    }

    /// Takes a record; those of entries have an id.
    pub(super) fn see(&mut self, record: &[u8]) {
        let Ok((entry, _)) = record::AttemptEnter::ref_from_prefix(record) else {
            return;
        };
        let is_new =
            entry.header.kind == kind::ATTEMPT_ENTER && self.seen.len() < MOST && self.seen.insert(entry.cgroup_id);
        if is_new {
            self.asked.insert(entry.cgroup_id);
        }
    }

    /// Whether some are still to be looked up.
    pub(super) fn are_owed(&self) -> bool {
        !self.asked.is_empty()
    }

    /// The next look comes at once: it is the last.
    pub(super) fn hurry(&mut self) {
        self.next = None;
    }

    /// The paths of those that came since the last look and still exist. The others will not be found later either.
    pub(super) fn found(&mut self) -> Vec<(u64, String)> {
        let begun = Instant::now();
        if self.asked.is_empty() || self.next.is_some_and(|next| begun < next) {
            return Vec::new();
        }
        let mut asked = std::mem::take(&mut self.asked);
        let found = self.root.as_ref().map_or_else(Vec::new, |root| walk(root, &mut asked));
        self.next = Some(begun + PAUSE.max(begun.elapsed() * SHARE));
        found
    }
}

/// The paths of the directories with these ids below `root`, itself included. The id of a cgroup is the number of its inode
/// (`cgroup_ino`, include/linux/cgroup.h).
fn walk(root: &OwnedFd, asked: &mut BTreeSet<u64>) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    if let Ok(stat) = fstat(root)
        && asked.remove(&stat.st_ino)
    {
        found.push((stat.st_ino, "/".to_owned()));
    }
    let mut folders = vec![".".to_owned()];
    let mut left = DIRECTORIES;
    while let Some(folder) = folders.pop()
        && !asked.is_empty()
        && left > 0
    {
        left -= 1;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(root, &folder, flags, Mode::empty()).and_then(Dir::new);
        // One that is gone by now has nothing below it.
        let Ok(entries) = opened else { continue };
        for entry in entries
            .flatten()
            .filter(|entry| entry.file_type() == FileType::Directory)
        {
            let name = entry.file_name().to_string_lossy();
            if name == "." || name == ".." {
                continue;
            }
            let path = format!("{folder}/{name}");
            if asked.remove(&entry.ino()) {
                // Without the dot that it begins with.
                found.push((entry.ino(), path[1..].to_owned()));
            }
            folders.push(path);
        }
    }
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn directories_are_found_by_the_numbers_of_their_inodes() {
        let root = std::env::temp_dir().join(format!("kmodtrace-cgroups-{}", std::process::id()));
        let service = root.join("system.slice/a.service");
        fs::create_dir_all(&service).unwrap();
        fs::create_dir_all(root.join("init.scope")).unwrap();
        let id = |path| fs::metadata(path).unwrap().ino();
        let (top, one) = (id(&root), id(&service));
        let mut asked = BTreeSet::from([top, one, 0]);
        let found = walk(&File::open(&root).unwrap().into(), &mut asked);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(
            found,
            [(top, "/".to_owned()), (one, "/system.slice/a.service".to_owned())]
        );
        assert_eq!(asked, BTreeSet::from([0]), "what is not there is not found");
    }
}
