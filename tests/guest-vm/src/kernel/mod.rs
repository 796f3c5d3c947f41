//! The kernels guests are booted with: Debian's own, by suite, or any image a user names.

mod apt;
pub mod build;
mod fetch;
mod headers;
mod matrix;
mod modules;
mod source;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

pub(crate) use apt::Apt;
pub use fetch::{ensure, refresh};
pub(crate) use headers::{BuildKit, build_kit};
pub use matrix::{BadInput, Flavour, MATRIX};
pub use modules::Selection;
pub(crate) use modules::{extend, stage};

/// The rows of the matrix that have these names; all of them if no name is given.
pub fn choose(names: &[String]) -> Result<Vec<Flavour>> {
    if names.is_empty() {
        Ok(MATRIX.to_vec())
    } else {
        names.iter().map(|name| find(name)).collect()
    }
}

/// Finds a kernel of the matrix by its name, its suite, or the release its cached copy has.
pub fn find(name: &str) -> Result<Flavour> {
    let by_name = MATRIX.iter().find(|flavour| flavour.name == name);
    let by_suite = || MATRIX.iter().find(|flavour| flavour.suite == name);
    let by_release = || MATRIX.iter().find(|flavour| cached_as(flavour, name));
    if let Some(flavour) = by_name.or_else(by_suite).or_else(by_release) {
        return Ok(*flavour);
    }
    let names = MATRIX.map(|flavour| flavour.name).join(", ");
    bail!("no kernel is called {name:?}; there are {names} (another one boots with --kernel-image and --modules-dir)")
}

/// The first kernel of the matrix that has a property.
pub fn first(has: impl Fn(&Flavour) -> bool) -> Result<Flavour> {
    let found = MATRIX.iter().find(|flavour| has(flavour)).copied();
    found.context("no kernel of the matrix has this property")
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
pub struct Kernel {
    /// What it is called in messages.
    pub name: String,
    /// What `uname -r` says in the guest.
    pub release: String,
    /// The bootable image.
    pub image: PathBuf,
    /// The `lib/modules/RELEASE` tree.
    pub modules: PathBuf,
    /// Parameters of its command line, besides those of every guest.
    pub append: &'static str,
}

impl Kernel {
    /// A kernel of the user's own: the tree's name is the release, as `modules_install` leaves it.
    pub fn own(image: &Path, modules: &Path) -> Result<Self> {
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
            append: "",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BadInput, Flavour, MATRIX, find, is_of_series};

    #[test]
    fn series_end_at_a_dot() {
        assert!(is_of_series("7.2.13+deb14-cloud-amd64", "7.2"));
        assert!(!is_of_series("7.21.1", "7.2"));
    }

    #[test]
    fn kernels_go_by_suite_too() {
        assert_eq!(find("trixie").map(|flavour| flavour.name).ok(), Some("6.12"));
        assert!(find("2.4").is_err_and(|error| error.to_string().contains("5.10, 6.1, 6.12,")));
    }

    /// What only one kernel can be is a property of one row.
    #[test]
    fn properties_of_one_kernel_are_of_one_row() {
        let rows = |has: fn(&Flavour) -> bool| MATRIX.iter().filter(|flavour| has(flavour)).count();
        assert_eq!(rows(|flavour| flavour.everyday), 1);
        assert_eq!(rows(|flavour| flavour.fixtures), 1);
        assert_eq!(rows(|flavour| flavour.builds), 1);
        assert_eq!(rows(|flavour| flavour.bad_input == BadInput::All), 1);
    }

    #[test]
    fn a_kernel_of_another_row_is_one_that_is_downloaded() {
        for flavour in MATRIX {
            let owner = flavour.kernel_of.map(|name| find(name).ok());
            assert!(owner.is_none_or(|owner| owner.is_some_and(|owner| owner.kernel_of.is_none())));
        }
    }
}
