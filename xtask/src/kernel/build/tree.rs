//! Debian's source of one series, unpacked and configured in the cache, with what was compiled from it last.
//!
//! Files that are changed for one kernel are put back for the next. What they were like is kept beside the tree before they
//! are touched, so a run that is killed leaves nothing behind that the next one does not put right.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context as _, Result, bail};

use super::super::{
    Flavour,
    apt::{self, Apt},
};
use crate::{paths::Scratch, process};

/// The tree's name beside the kernels that were built in it.
pub(super) const DIRECTORY: &str = "tree";

/// What kernels are configured with, on top of the kernel's own smallest configuration.
const CONFIG: &str = include_str!("kernel.config");

/// Kernels of Debian 12 are made with this compiler. A later one may refuse the source.
const COMPILER: [&str; 2] = ["CC=gcc-12", "HOSTCC=gcc-12"];

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
            fetch(flavour, place, &tree.path())
                .with_context(|| format!("cannot fetch the source of {}", flavour.name))?;
        }
        if fs::read_to_string(tree.asked()).ok().as_deref() != Some(CONFIG) {
            tree.configure().context("cannot configure the kernel")?;
        }
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

    /// Runs make. It says nothing but what is wrong.
    pub(super) fn make(&self, local: &str, targets: &[&str], variables: &[&str]) -> Result<()> {
        let jobs = thread::available_parallelism().map_or(1, usize::from);
        eprintln!("xtask: making {} (LOCALVERSION={local})", targets.join(" "));
        let mut command = process::command("make", ["--silent", &format!("--jobs={jobs}")]);
        command
            .arg("-C")
            .arg(self.path())
            .args(COMPILER)
            .args(targets)
            .args(variables);
        command.arg(format!("LOCALVERSION={local}")).env("LC_ALL", "C");
        // What cargo hands down is not for this make.
        process::captured(command.env_remove("MAKEFLAGS").env_remove("CARGO_MAKEFLAGS")).map(drop)
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

    /// The configuration that the tree has been given.
    fn asked(&self) -> PathBuf {
        self.path().join(".config.asked")
    }

    fn configure(&self) -> Result<()> {
        self.make("", &["tinyconfig"], &[])?;
        let file = self.path().join(".config");
        let read = || fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()));
        // Of two lines about an option the later one counts.
        fs::write(&file, read()? + CONFIG).with_context(|| format!("cannot write {}", file.display()))?;
        self.make("", &["olddefconfig"], &[])?;
        let got = read()?;
        let lost = lost(CONFIG, &got);
        if !lost.is_empty() {
            bail!("this source does not take {}", lost.join(", "));
        }
        fs::write(self.asked(), CONFIG).context("cannot write down the configuration")
    }
}

/// The options that a configuration asks for and that are not in the one that came of it.
fn lost<'a>(asked: &'a str, got: &str) -> Vec<&'a str> {
    let options = asked.lines().filter(|line| line.starts_with("CONFIG_"));
    options
        .filter(|option| !got.lines().any(|line| line == *option))
        .collect()
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

/// Downloads the newest source of a series that its suite has, and unpacks it.
fn fetch(flavour: Flavour, place: &Path, tree: &Path) -> Result<()> {
    let name = format!("linux-source-{}", flavour.name);
    eprintln!("xtask: fetching {name} from {}", flavour.suite);
    let scratch = Scratch::new_in(place)?;
    let dir = |name: &str| {
        let dir = scratch.path().join(name);
        fs::create_dir(&dir)
            .with_context(|| format!("cannot create {}", dir.display()))
            .map(|()| dir)
    };
    let apt = Apt::open(&dir("apt")?, flavour)?;
    let packages = apt.with_dependencies(&name, &[])?;
    let package = dir("package")?;
    for deb in apt.download(packages.iter().map(String::as_str), &dir("debs")?)? {
        apt::unpack(&deb, &package)?;
    }
    let archive = package.join("usr/src").join(format!("{name}.tar.xz"));
    let mut tar = process::command("tar", ["-C".as_ref(), scratch.path().as_os_str(), "-xf".as_ref()]);
    process::captured(tar.arg(archive))?;
    let made = scratch.path().join(&name);
    // Its presence says that the rest is whole.
    fs::write(made.join("made-from"), packages.join("\n")).context("cannot write down the version")?;
    // What an earlier run did not bring to its end goes with the scratch directory.
    drop(fs::rename(tree, scratch.path().join("old")));
    fs::rename(&made, tree).with_context(|| format!("cannot put the source at {}", tree.display()))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        path::Path,
    };

    use super::{DIRECTORY, Tree, files_below, lost};
    use crate::paths::Scratch;

    #[test]
    fn options_that_did_not_survive_are_named() {
        let asked = "# Why.\nCONFIG_A=y\nCONFIG_AB=m\nCONFIG_C=y\n";
        let got = "CONFIG_A=y\nCONFIG_AB=y\n# CONFIG_C is not set\n";
        assert_eq!(lost(asked, got), ["CONFIG_AB=m", "CONFIG_C=y"]);
    }

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
