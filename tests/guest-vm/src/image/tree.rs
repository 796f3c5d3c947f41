//! The root file system as Debian's packages make it: what takes long, and does not change with kmodtrace.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use anyhow::{Context as _, Result, ensure};

use super::Initramfs;
use crate::{
    kernel::{self, Apt, Flavour},
    packages,
    paths::{self, Scratch},
    process,
};

/// The suite the packages are of.
const SUITE: &str = "trixie";

/// What a small system has. A kernel for real machines: the one for clouds has few drivers. Debian's own initramfs is made with
/// busybox where that is there, as it is on most machines.
const PACKAGES: &str = "systemd-sysv,udev,dbus,kmod,zstd,busybox,linux-image-amd64";

/// How mmdebstrap makes it: without texts for people.
const OPTIONS: [&str; 8] = [
    "--quiet",
    "--mode=root",
    "--variant=apt",
    "--format=directory",
    "--aptopt=Acquire::Languages \"none\"",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
];

/// Held while one is made.
static MAKING: Mutex<()> = Mutex::new(());

/// The directory that images are kept and made in.
pub(super) fn home() -> Result<PathBuf> {
    Ok(paths::cache()?.join("images"))
}

/// The system with this initramfs, from the cache or else made into it. It is made anew where it is made of something else than
/// before; newer versions of its packages are no such thing.
pub(super) fn ensure(initramfs: Initramfs) -> Result<PathBuf> {
    let flavour = kernel::find(SUITE)?;
    let home = home()?.join(format!("{SUITE}-{}", initramfs.package()));
    let made_of = format!("{SUITE} {PACKAGES},{}\n{}\n", initramfs.package(), OPTIONS.join("\n"));
    let _lock = MAKING.lock();
    if fs::read_to_string(home.join("made-of")).is_ok_and(|have| have == made_of) {
        return Ok(home.join("tree"));
    }
    ensure!(
        rustix::process::geteuid().is_root(),
        "a system with all its owners and devices is made as root, and nobody else may"
    );
    packages::ensure(packages::FOR_IMAGES)?;
    let scratch = Scratch::new_in(home.parent().context("the cache has no directory for images")?)?;
    make(flavour, initramfs, scratch.path())
        .with_context(|| format!("cannot make a {SUITE} system with {}", initramfs.package()))?;
    let made = scratch.path().join("made");
    fs::write(made.join("made-of"), made_of).context("cannot write down what it is made of")?;
    // An older one goes out of the way, and ends with the scratch directory.
    let _ = fs::rename(&home, scratch.path().join("old"));
    fs::rename(&made, &home).with_context(|| format!("cannot put the system at {}", home.display()))?;
    Ok(home.join("tree"))
}

/// Makes `made/tree` in `scratch` with mmdebstrap, a Perl program, which runs from where it is unpacked.
fn make(flavour: Flavour, initramfs: Initramfs, scratch: &Path) -> Result<()> {
    eprintln!("xtask: making a {SUITE} system with {}", initramfs.package());
    let apt = Apt::open(&scratch.join("apt"), flavour)?;
    let programs = apt.unpacked(["mmdebstrap"].into_iter(), scratch)?.join("usr/bin");
    fs::create_dir(scratch.join("made")).context("cannot make a directory for it")?;
    let mut mmdebstrap = process::command("perl", [programs.join("mmdebstrap")]);
    mmdebstrap.args(OPTIONS);
    mmdebstrap.arg(format!("--include={PACKAGES},{}", initramfs.package()));
    mmdebstrap.arg(SUITE).arg(scratch.join("made/tree")).arg(apt.sources());
    // It calls a program of its own, and the kernel's package makes no initramfs, which would be made again with kmodtrace in it.
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([programs].into_iter().chain(env::split_paths(&path)))?;
    mmdebstrap
        .env("PATH", path)
        .env("INITRD", "No")
        .env("TMPDIR", scratch)
        .env("LC_ALL", "C");
    process::captured(&mut mmdebstrap).map(drop)
}
