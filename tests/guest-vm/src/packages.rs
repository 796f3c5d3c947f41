//! The system's packages: what is missing, under which name this release has it, and installing it.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::Mutex,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, bail};

use crate::{paths, process};

/// Something that must be on the machine, and the package that brings it on Debian and Ubuntu.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// A program, or a file if it starts with a slash (then any of several, separated by spaces).
    what: &'static str,
    package: &'static str,
    /// Whether things work without it, only less well.
    optional: bool,
}

const fn need(what: &'static str, package: &'static str) -> Need {
    Need {
        what,
        package,
        optional: false,
    }
}

/// What it takes to compile and link, statically too.
pub const FOR_BUILDING: &[Need] = &[
    need("cc", "gcc"),
    need(
        "/usr/lib/x86_64-linux-gnu/libc.a /usr/lib64/libc.a /usr/lib/libc.a",
        "libc6-dev",
    ),
];

/// What it takes to build a fuzzer: libFuzzer is C++.
pub const FOR_FUZZING: &[Need] = &[need("c++", "g++")];

/// What it takes to make guests and run them.
pub const FOR_GUESTS: &[Need] = &[
    need("qemu-system-x86_64", "qemu-system-x86"),
    need("kmod", "kmod"),
    need("busybox", "busybox-static"),
    need("dpkg-deb", "dpkg"),
    need("ldd", "libc-bin"),
    need("tar", "tar"),
    need("xz", "xz-utils"),
    need(
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "debian-archive-keyring",
    ),
    Need {
        what: "bpftool",
        package: "bpftool",
        optional: true,
    },
];

/// What it takes to build modules for a kernel of Debian 12, whose headers name their compiler; the programs of its build are linked so.
pub const FOR_FIXTURES: &[Need] = &[
    need("make", "make"),
    need("gcc-12", "gcc-12"),
    need(
        "/usr/lib/x86_64-linux-gnu/libelf.so.1 /usr/lib64/libelf.so.1",
        "libelf1",
    ),
];

/// What it takes to make images of whole systems.
pub const FOR_IMAGES: &[Need] = &[
    need("perl", "perl"),
    need("mke2fs", "e2fsprogs"),
    need("strip", "binutils"),
];

/// What it takes to let system calls fail, and to make a disk of a guest.
pub const FOR_FAULTS: &[Need] = &[need("strace", "strace"), need("mke2fs", "e2fsprogs")];

/// What it takes to try programs that draw on a terminal.
pub const FOR_TERMINALS: &[Need] = &[need("tmux", "tmux")];

/// What it takes to build kernels from Debian's source, with types for BPF. The headers of OpenSSL have been moved about.
pub const FOR_KERNELS: &[Need] = &[
    need("make", "make"),
    need("gcc-12", "gcc-12"),
    need("flex", "flex"),
    need("bison", "bison"),
    need("bc", "bc"),
    need("perl", "perl-base"),
    need("patch", "patch"),
    need("tar", "tar"),
    need("xz", "xz-utils"),
    need("kmod", "kmod"),
    need("dpkg-deb", "dpkg"),
    need("pahole", "dwarves"),
    need("/usr/include/libelf.h", "libelf-dev"),
    need(
        "/usr/include/openssl/opensslv.h /usr/include/x86_64-linux-gnu/openssl/opensslv.h",
        "libssl-dev",
    ),
];

/// What it takes to bisect.
pub const FOR_BISECTING: &[Need] = &[need("git", "git")];

/// What virtme-ng asks for the release of an image.
pub const FOR_VIRTME: &[Need] = &[need("file", "file")];

/// What it takes to have packages of Python's index.
pub const FOR_PYTHON: &[Need] = &[need("python3", "python3")];

/// The same where Python is seen to lack this: its version is in the path of the files themselves.
pub const FOR_PYTHON_ENVIRONMENTS: &[Need] = &[need("/usr/share/doc/python3-venv", "python3-venv")];

/// What opens pages.
pub const FOR_PAGES: &[Need] = &[need("chromium", "chromium")];

/// What reads metrics.
pub const FOR_METRICS: &[Need] = &[
    need("prometheus", "prometheus"),
    need("promtool", "prometheus"),
    need("prometheus-node-exporter", "prometheus-node-exporter"),
];

/// What Spark runs on.
pub const FOR_SPARK: &[Need] = &[need("java", "openjdk-17-jre-headless")];

/// What kmodtrace is compared with: nothing is lost without it but the comparison.
pub const FOR_BENCHMARKS: &[Need] = &[Need {
    what: "bpftrace",
    package: "bpftrace",
    optional: true,
}];

/// A compiler and its `core` for BPF, as different releases name them.
const COMPILERS: &[[&str; 2]] = &[
    ["rustc-web", "libstd-rust-web-dev-bpf"],
    ["rustc", "libstd-rust-dev-bpf"],
];

impl Need {
    fn is_met(&self) -> bool {
        if self.what.starts_with('/') {
            self.what.split(' ').any(|file| Path::new(file).exists())
        } else {
            paths::program(self.what).is_some()
        }
    }
}

/// Held while packages are installed: apt does not run twice at the same time.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Installs those of these needs that this machine lacks.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let _lock = INSTALLING.lock();
    let missing: Vec<_> = needs.iter().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let Some(apt) = Apt::find() else {
        let wanted = missing.iter().filter(|need| !need.optional);
        let names: Vec<_> = wanted
            .map(|need| format!("{} (Debian's {})", need.what, need.package))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        bail!(
            "this machine has no apt-get to install with. Missing: {}",
            names.join(", ")
        );
    };
    let mut wanted = Vec::new();
    for need in missing {
        if !need.optional || apt.candidate(need.package)?.is_some() {
            wanted.push(need.package.to_owned());
        }
    }
    if wanted.is_empty() {
        Ok(())
    } else {
        apt.install(&wanted)
    }
}

/// The packages of a compiler for BPF that this release has in a version that is new enough.
pub fn compiler(apt: &Apt, oldest: &str) -> Result<Option<Vec<String>>> {
    for pair in COMPILERS {
        let (Some(compiler), Some(_)) = (apt.candidate(pair[0])?, apt.candidate(pair[1])?) else {
            continue;
        };
        if number(&compiler) >= number(oldest) {
            return Ok(Some(pair.map(str::to_owned).to_vec()));
        }
    }
    Ok(None)
}

/// The numbers a version starts with.
fn number(version: &str) -> Vec<u32> {
    version
        .split(['.', '+', '-', '~'])
        .map_while(|part| part.parse().ok())
        .collect()
}

/// The system's own apt.
#[derive(Debug)]
pub struct Apt(());

impl Apt {
    /// Lists older than this may name packages that are gone.
    const FRESH: Duration = Duration::from_hours(24);

    /// Apt, where there is one, with lists to look packages up in.
    pub fn find() -> Option<Self> {
        paths::program("apt-get")?;
        let apt = Self(());
        if !Self::lists_are_fresh() {
            eprintln!("xtask: reading apt's package lists");
            if let Err(error) = process::captured(apt.root("apt-get").arg("update")) {
                eprintln!("xtask: {error:#}");
            }
        }
        Some(apt)
    }

    /// The version of a package that would be installed; none where there is no such package.
    pub fn candidate(&self, package: &str) -> Result<Option<String>> {
        let shown = process::text(self.plain("apt-cache").args(["policy", package]))?;
        let version = shown.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
        Ok(version.filter(|version| *version != "(none)").map(str::to_owned))
    }

    /// Installs packages, having said so.
    pub fn install(&self, packages: &[String]) -> Result<()> {
        let mut command = self.root("apt-get");
        command
            .args([
                "install",
                "--yes",
                "--no-install-recommends",
                "-o",
                "DPkg::Lock::Timeout=600",
            ])
            .args(packages);
        eprintln!("xtask: installing {}", packages.join(" "));
        process::captured(&mut command).with_context(|| format!("cannot install {}", packages.join(" ")))?;
        Ok(())
    }

    fn lists_are_fresh() -> bool {
        let entries = fs::read_dir("/var/lib/apt/lists").into_iter().flatten().flatten();
        let lists = entries.filter(|entry| entry.file_name().to_string_lossy().contains("_Packages"));
        // The lists carry the mirror's time; the directory, or this file, the time of the last update.
        let stamps = ["/var/lib/apt/lists", "/var/lib/apt/periodic/update-success-stamp"];
        let changed = stamps
            .iter()
            .filter_map(|path| fs::metadata(path).ok()?.modified().ok())
            .max();
        let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        lists.count() > 0 && age.is_some_and(|age| age < Self::FRESH)
    }

    /// A command as root: itself if this is root, else through sudo.
    fn root(&self, program: &str) -> Command {
        if rustix::process::geteuid().is_root() {
            return self.plain(program);
        }
        let mut command = Command::new("sudo");
        command.args(["env", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", program]);
        command
    }

    #[expect(
        clippy::unused_self,
        reason = "a command of apt's is only to be had where there is one"
    )]
    fn plain(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn versions_compare_by_their_numbers() {
        assert!(number("1.96.0+dfsg1-1~deb12u2") >= number("1.95"));
        assert!(number("1.63.0+dfsg1-2") < number("1.95"));
        assert!(number("1.100.0-1") >= number("1.95"));
    }
}
