//! Brings a kernel of the matrix into the cache: downloads Debian's packages, unpacks them, keeps what a guest needs.
//!
//! A kernel in the cache is whole: it is built beside its place and renamed into it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use anyhow::{Context as _, Result, bail};

use super::{Flavour, Kernel, apt::Apt};
use crate::paths::{self, Scratch};

/// How the names of packages start that hold an image or modules.
pub(super) const PARTS: &[&str] = &["linux-image-", "linux-binary-", "linux-modules-"];

/// Held while a kernel is fetched.
static FETCHING: Mutex<()> = Mutex::new(());

/// The cache directory of one kernel.
pub(super) fn home(flavour: Flavour) -> Result<PathBuf> {
    let name = flavour.kernel_of.unwrap_or(flavour.name);
    Ok(paths::cache()?.join("kernels").join(name))
}

/// The kernel of a row of the matrix, from the cache or else fetched into it; says so on standard error when it fetches.
pub fn ensure(flavour: Flavour) -> Result<Kernel> {
    let home = home(flavour)?;
    // Tests of one kernel begin at the same time, and one download is enough.
    let lock = FETCHING.lock();
    if !home.join("release").exists() {
        fetch(flavour, &home)?;
    }
    drop(lock);
    let release = fs::read_to_string(home.join("release")).context("the cached kernel has no release file")?;
    let release = release.trim().to_owned();
    let modules = home.join("lib/modules").join(&release);
    Ok(Kernel {
        name: flavour.name.to_owned(),
        release,
        image: home.join("vmlinuz"),
        modules,
        append: flavour.append,
    })
}

/// Fetches the newest kernel of a row's suite into the cache. Guests that run keep theirs: they have it in memory.
pub fn refresh(flavour: Flavour) -> Result<()> {
    fetch(flavour, &home(flavour)?)
}

fn fetch(flavour: Flavour, home: &Path) -> Result<()> {
    let parent = home.parent().context("the cache has no directory for kernels")?;
    let scratch = Scratch::new_in(parent)?;
    fetch_into(flavour, home, scratch.path()).with_context(|| format!("cannot fetch kernel {}", flavour.name))
}

fn fetch_into(flavour: Flavour, home: &Path, scratch: &Path) -> Result<()> {
    eprintln!(
        "xtask: kernel {}: reading the package lists of {}",
        flavour.name, flavour.suite
    );
    let apt = Apt::open(&scratch.join("apt"), flavour)?;
    // The first is the meta package, which only points on and holds nothing.
    let packages = apt.with_dependencies(flavour.package, PARTS)?.split_off(1).join("\n");
    if fs::read_to_string(home.join("packages")).is_ok_and(|have| have == packages) {
        return Ok(());
    }
    eprintln!(
        "xtask: kernel {}: downloading {}",
        flavour.name,
        packages.replace('\n', " ")
    );
    let tree = apt.unpacked(packages.lines(), scratch)?;
    let made = scratch.join("made");
    fs::create_dir(&made).with_context(|| format!("cannot create {}", made.display()))?;
    fs::write(made.join("packages"), packages).context("cannot write down the packages")?;
    assemble(&tree, &made)?;
    // An older copy goes out of the way first; the scratch directory ends with it.
    let there = fs::rename(home, scratch.join("old"));
    match fs::rename(&made, home) {
        // Another run was faster: its copy is as good.
        Err(_) if there.is_err() && home.join("release").exists() => Ok(()),
        result => result.with_context(|| format!("cannot put the kernel at {}", home.display())),
    }
}

/// Lays out in `made` what a guest needs of an unpacked kernel: image, module tree with its indexes, release.
fn assemble(tree: &Path, made: &Path) -> Result<()> {
    let modules = ["lib/modules", "usr/lib/modules"]
        .iter()
        .find_map(|place| only_entry(&tree.join(place)))
        .context("the packages hold no module tree")?;
    let release = modules
        .file_name()
        .and_then(|name| name.to_str())
        .context("the module tree has no name")?
        .to_owned();
    let boot = tree.join("boot").join(format!("vmlinuz-{release}"));
    let image = if boot.exists() { boot } else { modules.join("vmlinuz") };
    if !image.is_file() {
        bail!("the packages hold no image of {release}");
    }
    fs::rename(&image, made.join("vmlinuz")).context("cannot keep the image")?;
    fs::create_dir_all(made.join("lib/modules")).context("cannot keep the modules")?;
    fs::rename(&modules, made.join("lib/modules").join(&release)).context("cannot keep the modules")?;
    super::modules::index(made, &release)?;
    // Last, because its presence says that the rest is whole.
    fs::write(made.join("release"), format!("{release}\n")).context("cannot write the release file")
}

/// The directory `parent` holds, if it holds one.
fn only_entry(parent: &Path) -> Option<PathBuf> {
    fs::read_dir(parent)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.is_dir())
}
