//! What is put into every guest, and what a run adds: the initramfs of one boot.
//!
//! kmod's own programs are brought, never busybox's of the same names: module loading is the subject here.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Rootfs;
use crate::{paths, process};

/// Runs in the guest as process 1.
const INIT: &str = include_str!("init.sh");

/// kmod is one program under these names. The kernel itself runs /sbin/modprobe.
const KMOD: &[&str] = &["modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod"];

/// Applets of busybox that have no place in a guest.
const NOT_FROM_BUSYBOX: &[&str] = &[
    "sh",
    "ash",
    "busybox",
    "rpm",
    "dpkg",
    "cttyhack",
    "start-stop-daemon",
    "run-parts",
];

/// Programs that run other programs. Busybox's would run its own modprobe where the command line says `timeout 5 modprobe`
/// (`CONFIG_FEATURE_PREFER_APPLETS`, which distributions set): the host's come instead, or none.
const EXECUTORS: &[&str] = &[
    "chroot", "chrt", "env", "find", "flock", "ionice", "linux32", "linux64", "nice", "nohup", "nsenter", "setpriv",
    "setsid", "stdbuf", "taskset", "time", "timeout", "unshare", "watch", "xargs",
];

/// Programs of the host that are brought along where the host has them.
const WHERE_PRESENT: &[&str] = &["bash", "bpftool", "strace", "xz", "zstd"];

/// What one boot's user space holds besides the everyday tools.
#[derive(Debug, Default)]
pub struct Guest {
    /// What the guest's shell runs; none for a shell of the user's own.
    pub command: Option<String>,
    /// The user's terminal, if the command or shell gets it.
    pub terminal: Option<Terminal>,
    /// Programs under /usr/local/bin, first on PATH.
    pub programs: Vec<PathBuf>,
    /// Files of the host and where they go.
    pub copies: Vec<(PathBuf, String)>,
}

/// A terminal's kind and size.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// The value of TERM.
    pub term: String,
    /// Lines.
    pub rows: u16,
    /// Characters a line.
    pub cols: u16,
}

/// Writes the initramfs of a guest to `file`; `modules` is a `lib/modules/RELEASE` tree.
pub(crate) fn build(guest: &Guest, modules: &Path, file: &Path) -> Result<()> {
    let mut rootfs = Rootfs::new();
    everyday(&mut rootfs)?;
    let release = modules
        .file_name()
        .context("the module tree has no name")?
        .to_string_lossy();
    rootfs.host(&format!("lib/modules/{release}"), modules)?;
    if let Some(command) = &guest.command {
        rootfs.text("etc/guest/command", command.as_str(), 0o644);
    }
    if let Some(Terminal { term, rows, cols }) = &guest.terminal {
        rootfs.text(
            "etc/guest/terminal",
            format!("term='{term}' rows={rows} cols={cols}\n"),
            0o644,
        );
    }
    for program in &guest.programs {
        let name = program.file_name().context("a program has no name")?.to_string_lossy();
        rootfs.program(&format!("usr/local/bin/{name}"), program)?;
    }
    for (source, place) in &guest.copies {
        rootfs.host(place, source)?;
    }
    rootfs.write(file)
}

/// The shell, busybox's applets, kmod, and what else the host has.
fn everyday(rootfs: &mut Rootfs) -> Result<()> {
    rootfs.text("init", INIT, 0o755);
    rootfs.text(
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
        0o644,
    );
    rootfs.text("etc/group", "root:x:0:\nnogroup:x:65534:\n", 0o644);
    let busybox = needed("busybox", "busybox-static")?;
    rootfs.program("usr/bin/busybox", &busybox)?;
    for applet in process::text(&mut process::command(&busybox, ["--list"]))?.lines() {
        if ![NOT_FROM_BUSYBOX, EXECUTORS, KMOD]
            .iter()
            .any(|names| names.contains(&applet))
        {
            rootfs.link(&format!("usr/bin/{applet}"), "busybox");
        }
    }
    let kmod = needed("kmod", "kmod")?;
    rootfs.program("usr/bin/kmod", &kmod)?;
    for name in KMOD {
        rootfs.link(&format!("usr/sbin/{name}"), "../bin/kmod");
    }
    // Not busybox's shell: it would run its own modprobe before looking at PATH.
    let shell = paths::program("dash")
        .or_else(|| paths::program("bash"))
        .context("the host has neither dash nor bash")?;
    rootfs.program("usr/bin/sh", &shell)?;
    for name in WHERE_PRESENT.iter().chain(EXECUTORS) {
        if let Some(program) = paths::program(name) {
            rootfs.program(&format!("usr/bin/{name}"), &program)?;
        }
    }
    Ok(())
}

fn needed(program: &str, package: &str) -> Result<PathBuf> {
    paths::program(program)
        .with_context(|| format!("{program} is missing (package {package}): cargo xtask setup installs it"))
}
