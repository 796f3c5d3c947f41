//! Debian's source of one series, unpacked and configured in the cache, with what was compiled from it last.
//!
//! Files that are changed for one kernel are put back for the next. What they were like is kept beside the tree before they
//! are touched, so a run that is killed leaves nothing behind that the next one does not put right.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{
    make::{self, COMPILER, CONFIG},
    unpack,
};
use crate::{kernel::Flavour, paths::Scratch};

/// The tree's name beside the kernels that were built in it.
pub(super) const DIRECTORY: &str = "tree";

/// A source tree that this run alone works in.
#[derive(Debug)]
pub(super) struct Tree {
    place: PathBuf,
    /// Held for as long as the value lives.
    _lock: File,
}

impl Tree {
    /// The tree below `place`, fetched and configured where it is not.
    pub(super) fn open(flavour: Flavour, place: &Path) -> Result<Self> {
        fs::create_dir_all(place).with_context(|| format!("cannot create {}", place.display()))?;
        let lock = place.join("lock");
        let tree = Self {
            place: place.to_path_buf(),
            _lock: File::create(&lock)
                .and_then(|file| file.lock().map(|()| file))
                .with_context(|| format!("cannot lock {}", lock.display()))?,
        };
        if !tree.path().join("made-from").exists() {
            tree.settle(flavour)?;
        }
        make::configure(&tree.path())?;
        Ok(tree)
    }

    /// Where the source is.
    pub(super) fn path(&self) -> PathBuf {
        self.place.join(DIRECTORY)
    }

    /// What its kernels are made from, without their change.
    pub(super) fn origin(&self) -> Result<String> {
        let source = fs::read_to_string(self.path().join("made-from")).context("the tree has no version")?;
        Ok(format!("{source}\n{}\n{CONFIG}", COMPILER.join(" ")))
    }

    /// Runs make in it.
    pub(super) fn make(&self, local: &str, targets: &[&str], variables: &[&str]) -> Result<()> {
        make::make(&self.path(), local, targets, variables)
    }

    /// Gives a file another text, or removes it, until `restore`.
    pub(super) fn replace(&self, path: &Path, text: Option<&str>) -> Result<()> {
        let file = self.path().join(path);
        let keeping = self.place.join("keeping");
        let (done, kept) = if file.exists() {
            (fs::copy(&file, &keeping).map(drop), self.kept("changed"))
        } else {
            (fs::write(&keeping, ""), self.kept("added"))
        };
        let kept = kept.join(path);
        // Renamed into its place once it is whole.
        done.and_then(|()| fs::create_dir_all(kept.parent().unwrap_or(&kept)))
            .and_then(|()| fs::rename(&keeping, &kept))
            .with_context(|| format!("cannot keep {}", file.display()))?;
        let done = match text {
            Some(text) => fs::create_dir_all(file.parent().unwrap_or(&file)).and_then(|()| fs::write(&file, text)),
            None => fs::remove_file(&file),
        };
        done.with_context(|| format!("cannot change {}", file.display()))
    }

    /// Puts all files back that were changed. They are written anew, so that make sees it.
    pub(super) fn restore(&self) -> Result<()> {
        let (changed, added) = (self.kept("changed"), self.kept("added"));
        let mut done = Ok(());
        for path in files_below(&changed)? {
            done = done.and(fs::copy(changed.join(&path), self.path().join(&path)).map(drop));
        }
        for path in files_below(&added)? {
            let file = self.path().join(&path);
            if file.exists() {
                done = done.and(fs::remove_file(file));
            }
        }
        let kept = self.place.join("kept");
        if kept.exists() {
            done = done.and_then(|()| fs::remove_dir_all(&kept));
        }
        done.context("cannot put the source back as it was")
    }

    /// Where files are kept while the tree has others.
    fn kept(&self, how: &str) -> PathBuf {
        self.place.join("kept").join(how)
    }

    /// Gives the newest source its place.
    fn settle(&self, flavour: Flavour) -> Result<()> {
        let scratch = Scratch::new_in(&self.place)?;
        let source = unpack::newest(flavour, scratch.path())?;
        // Its presence says that the rest is whole.
        fs::write(source.dir.join("made-from"), source.version).context("cannot write down the version")?;
        // What an earlier run did not bring to its end goes with the scratch directory.
        drop(fs::rename(self.path(), scratch.path().join("old")));
        fs::rename(&source.dir, self.path())
            .with_context(|| format!("cannot put the source at {}", self.path().display()))
    }
}

/// The files below a directory, by their path in it; none where it is not.
fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut pending = vec![dir.to_path_buf()];
    while let Some(next) = pending.pop().filter(|next| next.exists()) {
        for entry in fs::read_dir(&next).with_context(|| format!("cannot list {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                pending.push(path);
            } else {
                files.push(path.strip_prefix(dir).unwrap_or(&path).to_path_buf());
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        path::Path,
    };

    use super::{DIRECTORY, Tree, files_below};
    use crate::paths::Scratch;

    #[test]
    fn changes_are_taken_back() -> anyhow::Result<()> {
        let scratch = Scratch::new()?;
        let place = scratch.path().to_path_buf();
        let files = place.join(DIRECTORY);
        fs::create_dir_all(files.join("kernel"))?;
        fs::write(files.join("kernel/main.c"), "old")?;
        fs::write(files.join("kernel/gone.c"), "there")?;
        let lock = File::create(place.join("lock"))?;
        let tree = Tree { place, _lock: lock };
        tree.restore()?;
        tree.replace(Path::new("kernel/main.c"), Some("new"))?;
        tree.replace(Path::new("kernel/gone.c"), None)?;
        tree.replace(Path::new("other/added.c"), Some("new"))?;
        assert_eq!(fs::read_to_string(files.join("kernel/main.c"))?, "new");
        assert!(!files.join("kernel/gone.c").exists());
        tree.restore()?;
        assert_eq!(fs::read_to_string(files.join("kernel/main.c"))?, "old");
        assert_eq!(fs::read_to_string(files.join("kernel/gone.c"))?, "there");
        assert_eq!(files_below(&files)?.len(), 2);
        Ok(())
    }
}
