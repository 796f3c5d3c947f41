//! Module files: found by name, unpacked, and copied.

use std::ffi::CString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::kernel::Kernel;

/// Where modules come from, and where their plain copies go.
pub(crate) struct Library {
    /// Looked into first.
    dir: Option<PathBuf>,
    /// `/lib/modules/RELEASE`.
    tree: PathBuf,
    /// Made by this program, removed at its end.
    scratch: PathBuf,
}

/// A module and a plain file of it.
pub(crate) struct Module {
    /// The kernel's name: underscores, no suffix.
    pub(crate) name: String,
    /// The same, for `delete_module`.
    pub(crate) c_name: CString,
    /// A plain file, nobody else's.
    pub(crate) file: File,
    /// Its contents.
    pub(crate) image: Vec<u8>,
    /// Where it lies: `SCRATCH/NAME/original/BASENAME.ko`.
    pub(crate) path: PathBuf,
}

/// Another file with the same contents and the same name in another directory.
pub(crate) struct Copy(pub(crate) OwnedFd);

impl Library {
    /// Prefers files of `dir`.
    pub(crate) fn new(kernel: &Kernel, dir: Option<PathBuf>) -> Result<Self> {
        let scratch = std::env::temp_dir().join(format!("load-driver.{}", std::process::id()));
        fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
        let tree = Path::new("/lib/modules").join(&kernel.release);
        Ok(Self { dir, tree, scratch })
    }

    /// A module by name, or by path when there is a slash in it.
    pub(crate) fn module(&self, wanted: &str) -> Result<Module> {
        let found = if wanted.contains('/') {
            PathBuf::from(wanted)
        } else {
            self.find(wanted)?
        };
        let stem = stem(&found)
            .ok_or_else(|| anyhow!("{} is not named like a module", found.display()))?
            .to_owned();
        let image = unpack(&found)?;
        let path = self.scratch.join(&stem).join("original").join(format!("{stem}.ko"));
        let name = stem.replace('-', "_");
        Ok(Module {
            c_name: CString::new(name.as_str())?,
            file: write(&path, &image)?,
            name,
            image,
            path,
        })
    }

    /// Another image, or none, under the name of a module, in a directory that is named for its case.
    pub(crate) fn variant(&self, name: &str, case: &str, contents: &[u8]) -> Result<File> {
        write(&self.scratch.join(name).join(case).join(format!("{name}.ko")), contents)
    }

    /// A script that can be run.
    pub(crate) fn script(&self, name: &str, lines: &str) -> Result<PathBuf> {
        let path = self.scratch.join(name);
        write(&path, format!("#!/bin/sh\n{lines}\n").as_bytes())?
            .set_permissions(Permissions::from_mode(0o755))
            .with_context(|| format!("cannot make a program of {}", path.display()))?;
        Ok(path)
    }

    /// A pipe with a name.
    pub(crate) fn pipe(&self, name: &str) -> Result<PathBuf> {
        let path = self.scratch.join(name);
        let c_path = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: reads a string that lives on.
        let made = unsafe { libc::mkfifo(c_path.as_ptr(), 0o600) };
        ensure!(made == 0, "mkfifo {}: {}", path.display(), io::Error::last_os_error());
        Ok(path)
    }

    /// Whether there is a module of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    fn find(&self, name: &str) -> Result<PathBuf> {
        if let Some(dir) = &self.dir {
            let entries = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
            let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
            if let Some(path) = paths.into_iter().find(|path| is_of(path, name)) {
                return Ok(path);
            }
        }
        let list = self.tree.join("modules.dep");
        let text = fs::read_to_string(&list)
            .with_context(|| format!("no file for module {name}: cannot read {}", list.display()))?;
        let path = in_modules_dep(&text, name).ok_or_else(|| anyhow!("no module {name} in {}", list.display()))?;
        Ok(self.tree.join(path))
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.scratch) {
            eprintln!("load-driver: cannot remove {}: {error}", self.scratch.display());
        }
    }
}

impl Module {
    /// As many files as asked for, each an inode of its own.
    pub(crate) fn copies(&self, number: usize) -> Result<Vec<Copy>> {
        let (Some(base), Some(home)) = (self.path.file_name(), self.path.parent().and_then(Path::parent)) else {
            anyhow::bail!("{} has no place for copies", self.path.display());
        };
        let copy = |n: usize| {
            Ok(Copy(
                write(&home.join(format!("copy-{n}")).join(base), &self.image)?.into(),
            ))
        };
        (1..=number).map(copy).collect()
    }
}

/// Writes a file and opens it for reading: while it is open for writing the kernel refuses it with ETXTBSY.
fn write(path: &Path, contents: &[u8]) -> Result<File> {
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, contents)?;
        File::open(path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// The file's name without `.ko` and what follows.
fn stem(path: &Path) -> Option<&str> {
    let (stem, rest) = path.file_name()?.to_str()?.split_once(".ko")?;
    (rest.is_empty() || rest.starts_with('.')).then_some(stem)
}

/// Whether a file holds that module: `-` and `_` are the same in names of modules.
fn is_of(path: &Path, name: &str) -> bool {
    stem(path).is_some_and(|stem| stem.replace('-', "_") == name.replace('-', "_"))
}

/// The path before the colon, relative to the tree.
fn in_modules_dep<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| Some(line.split_once(':')?.0))
        .find(|path| is_of(Path::new(path), name))
}

/// The plain image. Only xz is unpacked: it is what Debian uses.
fn unpack(path: &Path) -> Result<Vec<u8>> {
    if path.extension().is_none_or(|extension| extension != "xz") {
        return fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    }
    let run = |program: &str, applet: &[&str]| Command::new(program).args(applet).arg("-dc").arg(path).output();
    let output = run("xz", &[])
        .or_else(|_| run("busybox", &["xz"]))
        .context("neither xz nor busybox can be run")?;
    ensure!(
        output.status.success(),
        "cannot unpack {}: {}",
        path.display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_as_the_kernel_does() {
        let text = "kernel/drivers/net/dummy.ko.xz:\nkernel/drivers/cpufreq/acpi-cpufreq.ko: kernel/a.ko\n";
        assert_eq!(in_modules_dep(text, "dummy"), Some("kernel/drivers/net/dummy.ko.xz"));
        assert_eq!(
            in_modules_dep(text, "acpi_cpufreq"),
            Some("kernel/drivers/cpufreq/acpi-cpufreq.ko")
        );
        assert_eq!(in_modules_dep(text, "a"), None);
        assert_eq!(stem(Path::new("/x/y.konfig")), None);
    }
}
