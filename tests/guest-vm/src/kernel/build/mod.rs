//! Kernels that no suite has, made from Debian's source: as it is, without a fix, with a patch.
//!
//! All kernels of one series are built in one tree, one after the other, so that make compiles again only what a change
//! touches. A copy of the tree would not do: the kernel's own tools are built with absolute paths, and everything with them.

mod change;
pub mod edit;
pub mod make;
mod tree;
pub mod unpack;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};

use super::{Kernel, find, modules};
use crate::{
    packages,
    paths::{self, Scratch},
};
use change::Change;
pub use change::Fix;
use tree::Tree;

/// A kernel to be made from Debian's source.
///
/// It is small (see `kernel.config` beside this file) and kept in the cache: seven minutes on two processors the first time, half
/// a minute or so for every other one of the same source, nothing for one that is there already.
#[derive(Debug, Default)]
pub struct BuildSpec {
    /// Series whose source Debian has, of the kernels of the matrix. Only 6.1 is known to build.
    pub series: String,
    /// A fix that it is to lack.
    pub revert: Option<Fix>,
    /// A patch to apply, if no fix is taken out; its paths are as in `diff -u a/kernel/... b/kernel/...`.
    pub patch: Option<PathBuf>,
    /// What to call it, also in its release: if nothing is said, `plain`, `before`, or the patch's name.
    pub name: Option<String>,
}

/// Builds a kernel, unless the cache has it from the same source, with the same configuration and change.
pub fn ensure(spec: &BuildSpec) -> Result<Kernel> {
    let flavour = find(&spec.series)?;
    let change = Change::read(spec.revert, spec.patch.as_deref())?;
    let name = name(spec)?;
    packages::ensure(packages::FOR_KERNELS)?;
    let place = paths::cache()?.join("kernels/built").join(flavour.name);
    let tree = Tree::open(flavour, &place)?;
    let home = place.join(&name);
    let origin = format!("{}\n{}", tree.origin()?, change.text());
    if fs::read_to_string(home.join("origin")).ok().as_ref() != Some(&origin) {
        let began = Instant::now();
        let scratch = Scratch::new_in(&place)?;
        let made = scratch.path().join("made");
        make(&tree, &change, &name, &made).with_context(|| format!("cannot build the kernel {name}"))?;
        fs::write(made.join("origin"), &origin).context("cannot write down what the kernel was made from")?;
        // An older one goes out of the way first; the scratch directory ends with it.
        drop(fs::rename(&home, scratch.path().join("old")));
        fs::rename(&made, &home).with_context(|| format!("cannot put the kernel at {}", home.display()))?;
        eprintln!("xtask: built {name} in {} s", began.elapsed().as_secs());
    }
    let release = fs::read_to_string(home.join("release")).context("the built kernel has no release file")?;
    Kernel::own(&home.join("vmlinuz"), &home.join("lib/modules").join(release.trim()))
}

/// Builds in the tree, and lays out in `made` what a guest needs.
fn make(tree: &Tree, change: &Change, name: &str, made: &Path) -> Result<()> {
    tree.restore()?;
    for (path, text) in change.edits(tree)? {
        tree.replace(&path, text.as_deref())?;
    }
    let local = format!("-kmodtrace-{name}");
    let built = tree.make(&local, &["bzImage", "modules"], &[]);
    // The tree is as it was for whatever is built next, also where this was no success.
    let done = built.and_then(|()| lay_out(tree, &local, made));
    tree.restore().and(done)
}

fn lay_out(tree: &Tree, local: &str, made: &Path) -> Result<()> {
    fs::create_dir_all(made).with_context(|| format!("cannot create {}", made.display()))?;
    let image = tree.path().join("arch/x86/boot/bzImage");
    fs::copy(&image, made.join("vmlinuz")).with_context(|| format!("cannot keep {}", image.display()))?;
    // Debugging information would be nine tenths of a guest's memory; types for BPF stay. Our own depmod comes after.
    let to = format!("INSTALL_MOD_PATH={}", made.display());
    tree.make(
        local,
        &["modules_install"],
        &[&to, "INSTALL_MOD_STRIP=1", "DEPMOD=true"],
    )?;
    let file = tree.path().join("include/config/kernel.release");
    let release = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let release = release.trim();
    for link in ["build", "source"] {
        // They point into the tree, which the next kernel changes.
        drop(fs::remove_file(made.join("lib/modules").join(release).join(link)));
    }
    modules::index(made, release)?;
    fs::write(made.join("release"), format!("{release}\n")).context("cannot write the release file")
}

/// What the kernel is called: a directory in the cache, and the end of its release, which may be 64 bytes long.
fn name(spec: &BuildSpec) -> Result<String> {
    let name = match (&spec.name, spec.revert, &spec.patch) {
        (Some(name), _, _) => name.clone(),
        (None, Some(fix), _) => fix.without().to_owned(),
        (None, None, Some(patch)) => patch.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        (None, None, None) => "plain".to_owned(),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 30 || !name.chars().all(plain) || name == tree::DIRECTORY {
        bail!("a kernel cannot be called {name:?}; --name takes up to 30 letters, digits, - and _");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{BuildSpec, Fix, name};

    #[test]
    fn kernels_have_names_that_a_release_can_hold() {
        let spec = |revert, patch: Option<&str>, given: Option<&str>| BuildSpec {
            series: "6.1".to_owned(),
            revert,
            patch: patch.map(PathBuf::from),
            name: given.map(str::to_owned),
        };
        let named = |spec| name(&spec).ok();
        assert_eq!(named(spec(None, None, None)).as_deref(), Some("plain"));
        let revert = spec(Some(Fix::DontWaitForGoing), None, None);
        assert_eq!(named(revert).as_deref(), Some("before"));
        assert_eq!(
            named(spec(None, Some("/tmp/idea.patch"), None)).as_deref(),
            Some("idea")
        );
        assert_eq!(named(spec(None, Some("/tmp/my idea.patch"), None)), None);
        assert_eq!(named(spec(None, None, Some("../6.1"))), None);
        assert_eq!(named(spec(None, None, Some("tree"))), None);
    }
}
