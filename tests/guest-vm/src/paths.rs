//! Where things lie: the workspace, the cache that outlives a build, directories that end with a run.
//!
//! Nothing here is written into the source tree but what cargo itself puts under `target`.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result};

/// The root of the workspace this program was built from.
pub fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}

/// The directory kernels and the linker are kept in: `KMODTRACE_CACHE`, or the user's cache directory.
pub fn cache() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("KMODTRACE_CACHE").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir));
    }
    user_cache().map(|dir| dir.join("kmodtrace"))
}

/// The XDG cache directory of the user.
fn user_cache() -> Result<PathBuf> {
    let xdg = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute());
    xdg.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .context("neither KMODTRACE_CACHE, XDG_CACHE_HOME nor HOME is set: no place to keep kernels in")
}

/// Looks a program up as a shell would, and in the system directories an ordinary user's PATH leaves out.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    env::split_paths(&path)
        .chain(system)
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
}

/// The files of a directory that have this extension, in the order of their names.
pub fn files_in(dir: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A directory that is removed with the value; one left by a killed run is removed by the next run.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    const PREFIX: &str = "kmodtrace-xtask-";

    /// A new empty directory under the system's temporary directory: sockets in it need a short path.
    pub fn new() -> Result<Self> {
        Self::new_in(&env::temp_dir())
    }

    /// A new empty directory in `parent`, so that a rename from it to a neighbour stays on one file system.
    pub fn new_in(parent: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        remove_stale(parent);
        let serial = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = parent.join(format!("{}{}-{serial}", Self::PREFIX, std::process::id()));
        fs::create_dir(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self(dir))
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            eprintln!("xtask: cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Removes scratch directories whose process is gone. Errors do not matter: the next run tries again.
fn remove_stale(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(Scratch::PREFIX)) else {
            continue;
        };
        let Some((owner, _)) = rest.split_once('-') else {
            continue;
        };
        if owner.parse::<u32>().is_ok() && !Path::new("/proc").join(owner).exists() {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
