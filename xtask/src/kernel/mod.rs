//! The kernels guests are booted with: Debian's own, by suite, or any image a user names.

mod apt;
pub(crate) mod build;
mod fetch;
mod headers;
mod modules;
mod source;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};

pub(crate) use build::{Fix, built};
pub(crate) use fetch::{ensure, refresh};
pub(crate) use headers::{BuildKit, build_kit};
pub(crate) use modules::{Selection, extend, stage};

/// Makes kernels to boot with `cargo xtask vm`.
#[derive(Debug, Args)]
pub(crate) struct KernelArgs {
    #[command(subcommand)]
    task: KernelTask,
}

#[derive(Debug, Subcommand)]
enum KernelTask {
    Build(build::BuildArgs),
}

/// Runs it.
pub(crate) fn main(args: &KernelArgs) -> Result<ExitCode> {
    match &args.task {
        KernelTask::Build(args) => build::main(args),
    }
}

/// A kernel of the test matrix: what it is called here and the Debian suite that ships it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flavour {
    /// The name users type.
    pub(crate) name: &'static str,
    /// The Debian suite whose `linux-image-cloud-amd64` it is.
    suite: &'static str,
    /// Whether the suite has security updates, which carry the newest kernel.
    security: bool,
}

/// Oldest first. Sid's kernel moves, so it goes by the suite's name.
pub(crate) static MATRIX: [Flavour; 4] = [
    Flavour {
        name: "5.10",
        suite: "bullseye",
        security: true,
    },
    Flavour {
        name: "6.1",
        suite: "bookworm",
        security: true,
    },
    Flavour {
        name: "6.12",
        suite: "trixie",
        security: true,
    },
    Flavour {
        name: "sid",
        suite: "sid",
        security: false,
    },
];

/// Finds a kernel of the matrix by its name, its suite, or the release its cached copy has.
pub(crate) fn find(name: &str) -> Result<Flavour> {
    let by_name = MATRIX
        .iter()
        .find(|flavour| flavour.name == name || flavour.suite == name);
    if let Some(flavour) = by_name.or_else(|| MATRIX.iter().find(|flavour| cached_as(flavour, name))) {
        return Ok(*flavour);
    }
    let names = MATRIX.map(|flavour| flavour.name).join(", ");
    bail!("no kernel is called {name:?}; there are {names} (another one boots with --kernel-image and --modules-dir)")
}

/// The kernels of these names; all of the matrix if there is none.
pub(crate) fn choose(names: &[String]) -> Result<Vec<Flavour>> {
    if names.is_empty() {
        Ok(MATRIX.to_vec())
    } else {
        names.iter().map(|name| find(name)).collect()
    }
}

/// Whether the cached copy of `flavour` is a kernel one would call `name`: 7.2 for release 7.2.13+deb14-cloud-amd64.
fn cached_as(flavour: &Flavour, name: &str) -> bool {
    let release = fetch::home(*flavour)
        .ok()
        .and_then(|home| fs::read_to_string(home.join("release")).ok());
    release.is_some_and(|release| is_of_series(release.trim(), name))
}

/// Whether `release` is `series` or continues it after a dot.
fn is_of_series(release: &str, series: &str) -> bool {
    release == series || release.strip_prefix(series).is_some_and(|rest| rest.starts_with('.'))
}

/// A kernel on disk, ready to boot.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    /// What it is called in messages.
    pub(crate) name: String,
    /// What `uname -r` says in the guest.
    pub(crate) release: String,
    /// The bootable image.
    pub(crate) image: PathBuf,
    /// The `lib/modules/RELEASE` tree.
    pub(crate) modules: PathBuf,
}

impl Kernel {
    /// A kernel of the user's own: the tree's name is the release, as `modules_install` leaves it.
    pub(crate) fn own(image: &Path, modules: &Path) -> Result<Self> {
        if !image.is_file() {
            bail!("there is no kernel image {}", image.display());
        }
        let modules = modules
            .canonicalize()
            .with_context(|| format!("no module tree {}", modules.display()))?;
        let release = modules
            .file_name()
            .and_then(|name| name.to_str())
            .context("the module tree has no name")?;
        Ok(Self {
            name: image.display().to_string(),
            release: release.to_owned(),
            image: image.to_path_buf(),
            modules: modules.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{find, is_of_series};

    #[test]
    fn series_end_at_a_dot() {
        assert!(is_of_series("7.2.13+deb14-cloud-amd64", "7.2"));
        assert!(!is_of_series("7.21.1", "7.2"));
    }

    #[test]
    fn kernels_go_by_suite_too() {
        assert_eq!(find("trixie").map(|flavour| flavour.name).ok(), Some("6.12"));
        assert!(find("2.4").is_err_and(|error| error.to_string().contains("5.10, 6.1, 6.12, sid")));
    }
}
