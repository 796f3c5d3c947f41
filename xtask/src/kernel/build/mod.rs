//! `cargo xtask kernel build`: kernels that no suite has, made from Debian's source: as it is, without a fix, with a patch.
//!
//! All kernels of one series are built in one tree, one after the other, so that make compiles again only what a change
//! touches. A copy of the tree would not do: the kernel's own tools are built with absolute paths, and everything with them.

mod change;
pub(crate) mod edit;
pub(crate) mod make;
mod tree;
pub(crate) mod unpack;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::{Kernel, find, modules};
use crate::{
    paths::{self, Scratch},
    setup,
};
use change::Change;
pub(crate) use change::Fix;
use tree::Tree;

/// Builds a kernel from Debian's source, to boot with `cargo xtask vm`.
///
/// It is small (see xtask/src/kernel/build/kernel.config) and kept in the cache: seven minutes on two processors the first
/// time, half a minute or so for every other one of the same source, nothing for one that is there already. It prints the image,
/// the module tree and how to boot them.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Series whose source Debian has, of the kernels of the matrix. Only 6.1 is known to build.
    #[arg(long, value_name = "SERIES")]
    source: String,
    /// Take a fix out of it.
    #[arg(long, value_enum, value_name = "FIX")]
    revert: Option<Fix>,
    /// Apply a patch to it, whose paths are as in `diff -u a/kernel/... b/kernel/...`.
    #[arg(long, value_name = "FILE", conflicts_with = "revert")]
    patch: Option<PathBuf>,
    /// What to call it, also in its release [default: plain, before, or the patch's name].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Runs it.
pub(crate) fn main(args: &BuildArgs) -> Result<ExitCode> {
    let kernel = ensure(args)?;
    let (image, modules) = (kernel.image.display(), kernel.modules.display());
    println!("image:   {image}\nmodules: {modules}");
    println!("cargo xtask vm --kernel-image {image} --modules-dir {modules} -- uname -r");
    Ok(ExitCode::SUCCESS)
}

/// The kernel of a series as Debian's source makes it, or without a fix; built where it is not in the cache.
pub(crate) fn built(series: &str, without: Option<Fix>) -> Result<Kernel> {
    ensure(&BuildArgs {
        source: series.to_owned(),
        revert: without,
        patch: None,
        name: None,
    })
}

/// The kernel, from the cache if it was made from the same source, configuration and change.
fn ensure(args: &BuildArgs) -> Result<Kernel> {
    let flavour = find(&args.source)?;
    let change = Change::read(args.revert, args.patch.as_deref())?;
    let name = name(args)?;
    setup::kernel_tools()?;
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
fn name(args: &BuildArgs) -> Result<String> {
    let name = match (&args.name, args.revert, &args.patch) {
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

    use super::{BuildArgs, Fix, name};

    #[test]
    fn kernels_have_names_that_a_release_can_hold() {
        let args = |revert, patch: Option<&str>, given: Option<&str>| BuildArgs {
            source: "6.1".to_owned(),
            revert,
            patch: patch.map(PathBuf::from),
            name: given.map(str::to_owned),
        };
        let named = |args| name(&args).ok();
        assert_eq!(named(args(None, None, None)).as_deref(), Some("plain"));
        let revert = args(Some(Fix::DontWaitForGoing), None, None);
        assert_eq!(named(revert).as_deref(), Some("before"));
        assert_eq!(
            named(args(None, Some("/tmp/idea.patch"), None)).as_deref(),
            Some("idea")
        );
        assert_eq!(named(args(None, Some("/tmp/my idea.patch"), None)), None);
        assert_eq!(named(args(None, None, Some("../6.1"))), None);
        assert_eq!(named(args(None, None, Some("tree"))), None);
    }
}
