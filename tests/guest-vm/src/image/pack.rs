//! A system with programs of ours in it, packed: what changes with kmodtrace, and is made for each run.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};

use super::{Initramfs, tree};
use crate::{
    paths::{self, Scratch},
    process,
};

/// Room for the root file system. What nothing is written to takes none.
const SIZE: &str = "1G";

/// Begins the name of an initramfs in /boot.
const INITRAMFS: &str = "initrd.img-";

/// The label of the root file system.
pub(super) const LABEL: &str = "root";

/// Runs in the system, with proc and dev; what it mounts goes with it.
const ENTER: &str = r#"cd "$1"
mount -t proc proc proc
mount --bind /dev dev
exec chroot . /bin/sh -e /tmp/pack"#;

/// A system that can be booted, as often as one likes. Its files end with the value.
#[derive(Debug)]
pub struct Image {
    scratch: Scratch,
}

impl Image {
    /// Makes one with these programs in /usr/bin, stripped, as packages bring them. `script` is run by the system's shell in the
    /// system, as root, before the initramfs is made: it may put hooks there, and an archive at /boot/behind.cpio that goes to the kernel
    /// behind the initramfs. Takes 12 s, and a minute more where the system is not in the cache.
    pub fn make(initramfs: Initramfs, programs: &[&Path], script: &str) -> Result<Self> {
        let tree = tree::ensure(initramfs)?;
        let image = Self {
            scratch: Scratch::new_in(&tree::home()?)?,
        };
        let root = image.scratch.path().join("tree");
        process::captured(process::command("cp", ["-a"]).arg(&tree).arg(&root))?;
        for program in programs {
            let name = program.file_name().context("a program has no name")?;
            let place = root.join("usr/bin").join(name);
            process::captured(process::command("strip", ["-o"]).arg(&place).arg(program))?;
            fs::set_permissions(&place, fs::Permissions::from_mode(0o755))
                .with_context(|| format!("cannot let {} be run", place.display()))?;
        }
        let script = format!("{script}\nrelease=$(ls /lib/modules)\n{}\n", initramfs.command());
        fs::write(root.join("tmp/pack"), script).context("cannot put the script into the system")?;
        let mut enter = process::command("unshare", ["--mount", "sh", "-ec", ENTER, "sh"]);
        // A place of this machine's for temporary files need not be one in there.
        process::captured(enter.arg(&root).env_remove("TMPDIR"))?;
        Self::take_out(&root, "vmlinuz-", &image.kernel())?;
        Self::take_out(&root, INITRAMFS, &image.initrd())?;
        image.append_archive(&root.join("boot/behind.cpio"))?;
        let disk = image.root();
        let mut mke2fs = process::command(e2fsprogs("mke2fs")?, ["-q", "-t", "ext4", "-L", LABEL, "-d"]);
        process::captured(mke2fs.arg(&root).arg(&disk).arg(SIZE))?;
        fs::remove_dir_all(&root).with_context(|| format!("cannot remove {}", root.display()))?;
        Ok(image)
    }

    /// Puts an archive behind the initramfs, where the script has made one, as boot loaders do that are given several.
    fn append_archive(&self, archive: &Path) -> Result<()> {
        if !archive.exists() {
            return Ok(());
        }
        let initrd = self.initrd();
        let mut content = fs::read(&initrd).with_context(|| format!("cannot read {}", initrd.display()))?;
        // The kernel does not look at one that begins elsewhere.
        content.resize(content.len().next_multiple_of(4), 0);
        content.extend(fs::read(archive).with_context(|| format!("cannot read {}", archive.display()))?);
        fs::write(&initrd, content).with_context(|| format!("cannot write {}", initrd.display()))
    }

    /// Takes the initramfs that the system has on its disk, where a boot made another one.
    pub fn renew_initramfs(&self) -> Result<()> {
        let disk = self.root();
        // What is only in the journal is not seen otherwise. It tells by 1 that there was something to do.
        let mut check = process::command(e2fsprogs("e2fsck")?, ["-p"]);
        let checked = check.arg(&disk).output().context("cannot run e2fsck")?;
        ensure!(
            matches!(checked.status.code(), Some(0 | 1)),
            "e2fsck: {}",
            checked.status
        );
        let mut list = process::command(e2fsprogs("debugfs")?, ["-R", "ls -p /boot"]);
        let listed = process::text(list.arg(&disk))?;
        let name = listed.split('/').find(|name| name.starts_with(INITRAMFS));
        let name = name.with_context(|| format!("the system has no /boot/{INITRAMFS}*"))?;
        let dump = format!("dump /boot/{name} {}", self.initrd().display());
        process::captured(process::command(e2fsprogs("debugfs")?, ["-R", &dump]).arg(&disk)).map(drop)
    }

    /// Copies the one file of /boot whose name begins so; it stays there, as in every system.
    fn take_out(root: &Path, prefix: &str, to: &Path) -> Result<()> {
        let boot = root.join("boot");
        for entry in fs::read_dir(&boot).with_context(|| format!("cannot list {}", boot.display()))? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                return fs::copy(entry.path(), to)
                    .map(drop)
                    .with_context(|| format!("cannot keep {}", to.display()));
            }
        }
        bail!("the system has no /boot/{prefix}*")
    }

    pub(super) fn kernel(&self) -> PathBuf {
        self.scratch.path().join("vmlinuz")
    }

    pub(super) fn initrd(&self) -> PathBuf {
        self.scratch.path().join("initrd")
    }

    pub(super) fn root(&self) -> PathBuf {
        self.scratch.path().join("root")
    }
}

fn e2fsprogs(program: &str) -> Result<PathBuf> {
    paths::program(program).with_context(|| format!("{program} is missing (package e2fsprogs)"))
}
