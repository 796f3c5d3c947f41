//! The file of a module that may not be loaded yet: where it is, and what is in it when it is unpacked.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use kmodtrace_module_file::{build_id, unpack};

/// More than a module unpacks to: the largest of distributions, with everything for debuggers in them, are below it.
const BOUND: u64 = 256 << 20;

/// The file of a module, by its path or by its name on this kernel.
pub(crate) fn find(name_or_path: &str, release: &str) -> Result<PathBuf> {
    let is_path = name_or_path.contains('/') || stem(name_or_path) != name_or_path;
    if is_path {
        Ok(PathBuf::from(name_or_path))
    } else {
        look_up(name_or_path, &Path::new("/lib/modules").join(release))
    }
}

fn look_up(name: &str, dir: &Path) -> Result<PathBuf> {
    let list = dir.join("modules.dep");
    let files = lines(&list);
    for line in files.as_deref().unwrap_or_default().lines() {
        let file = line.split(':').next().unwrap_or_default();
        if names(file, name) {
            // depmod writes an absolute path for what lies elsewhere, and that is what join() makes of it.
            return Ok(dir.join(file));
        }
    }
    // A kernel without built-in modules has an empty one, and some images have none.
    let builtin = lines(&dir.join("modules.builtin")).unwrap_or_default();
    if builtin.lines().any(|file| names(file, name)) {
        bail!("{name} is built into this kernel: it is never loaded");
    }
    match files {
        Ok(_) => bail!(
            "no module {name} in {}: if it was installed since, run depmod; else give the path of its file",
            list.display()
        ),
        Err(error) => bail!(
            "cannot look for module {name}: {}: {error}; run depmod, or give the path of its file",
            list.display()
        ),
    }
}

fn lines(path: &Path) -> io::Result<String> {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A file's name without what says that it is a module, and how it is packed.
fn stem(file: &str) -> &str {
    let base = file.rsplit('/').next().unwrap_or(file);
    let plain = [".xz", ".zst", ".gz"]
        .iter()
        .find_map(|packed| base.strip_suffix(packed));
    plain.unwrap_or(base).strip_suffix(".ko").unwrap_or(base)
}

/// The name of a module that was named by itself or by its file: the kernel makes underscores of dashes.
pub(crate) fn module_name(name_or_path: &str) -> String {
    stem(name_or_path).replace('-', "_")
}

/// Whether it is the file of this module.
fn names(file: &str, module: &str) -> bool {
    module_name(file) == module_name(module)
}

/// What is in a module's file, unpacked.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let context = || format!("cannot read the module {}", path.display());
    let file = File::open(path).with_context(context)?;
    unpack(file, BOUND).with_context(context)
}

/// Where debugging information that is apart from what it is of is installed: by the build that it is of
/// (`.build-id/ab/cdef.debug`), and below it by the path of the module's file.
const DEBUG: &str = "/usr/lib/debug";

/// The file with a module's debugging information, if one of the same build is installed.
pub(crate) fn debug(path: &Path, elf: &[u8]) -> Option<Vec<u8>> {
    let build = build_id(elf)?;
    debug_places(Path::new(DEBUG), path, &build).find_map(|place| {
        let bytes = read(&place).ok()?;
        (build_id(&bytes).as_ref() == Some(&build)).then_some(bytes)
    })
}

fn debug_places(debug: &Path, path: &Path, build: &str) -> impl Iterator<Item = PathBuf> {
    let (first, rest) = build.split_at_checked(2).unwrap_or_default();
    let by_build = debug.join(".build-id").join(first).join(format!("{rest}.debug"));
    // /lib is a link to /usr/lib where both are one.
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = whole.parent().unwrap_or(Path::new("/"));
    let folders = [folder.strip_prefix("/usr"), folder.strip_prefix("/")]
        .into_iter()
        .flatten();
    let folders: Vec<PathBuf> = folders.map(|folder| debug.join(folder)).collect();
    let module = stem(&path.to_string_lossy()).to_owned();
    let by_path = folders.into_iter().flat_map(move |folder| {
        let file = |ending: &str| folder.join(format!("{module}{ending}"));
        [file(".ko"), file(".ko.debug")]
    });
    std::iter::once(by_build).chain(by_path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_is() {
        for path in [
            "./some_module",
            "/lib/a",
            "xfs.ko",
            "xfs.ko.xz",
            "a-b.ko.gz",
            "x.ko.zst",
        ] {
            assert_eq!(find(path, "no such release").unwrap(), Path::new(path));
        }
        assert_eq!(stem("kernel/fs/xfs.ko.xz"), "xfs");
        assert_eq!(stem("x.xz"), "x.xz");
    }

    #[test]
    fn debugging_information_is_looked_for_by_build_and_by_path() {
        let path = Path::new("/lib/modules/6.1/kernel/fs/no-such-folder/xfs.ko.xz");
        let places: Vec<PathBuf> = debug_places(Path::new("/d"), path, "ab12").collect();
        assert_eq!(
            places,
            [
                "/d/.build-id/ab/12.debug",
                "/d/lib/modules/6.1/kernel/fs/no-such-folder/xfs.ko",
                "/d/lib/modules/6.1/kernel/fs/no-such-folder/xfs.ko.debug",
            ]
            .map(PathBuf::from)
        );
    }

    /// A folder like `/lib/modules/RELEASE`, gone with this.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let dir = std::env::temp_dir().join(format!("kmodtrace-module-file-{name}-{}", std::process::id()));
            fs::create_dir_all(&dir).unwrap();
            for (file, text) in files {
                fs::write(dir.join(file), text).unwrap();
            }
            Self(dir)
        }

        fn look_up(&self, name: &str) -> Result<PathBuf, String> {
            look_up(name, &self.0).map_err(|error| format!("{error:#}").replace(&self.0.display().to_string(), "DIR"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn names_are_looked_up_in_the_lists_of_depmod() {
        let dep = "kernel/drivers/cpufreq/pcc-cpufreq.ko.xz:\n\
                   kernel/fs/xfs/xfs.ko.zst: kernel/lib/libcrc32c.ko.zst\n\
                   /elsewhere/far_away.ko:\n";
        let folder = Folder::new(
            "lists",
            &[
                ("modules.dep", dep),
                (
                    "modules.builtin",
                    "kernel/fs/ext4/ext4.ko\nkernel/arch/x86/msr-index.ko\n",
                ),
            ],
        );
        let found = |file: &str| Ok(folder.0.join(file));
        assert_eq!(
            folder.look_up("pcc_cpufreq"),
            found("kernel/drivers/cpufreq/pcc-cpufreq.ko.xz")
        );
        assert_eq!(
            folder.look_up("pcc-cpufreq"),
            found("kernel/drivers/cpufreq/pcc-cpufreq.ko.xz")
        );
        assert_eq!(folder.look_up("xfs"), found("kernel/fs/xfs/xfs.ko.zst"));
        assert_eq!(folder.look_up("far-away"), Ok(PathBuf::from("/elsewhere/far_away.ko")));
        let refused = |text: &str| Err(text.to_owned());
        assert_eq!(
            folder.look_up("msr_index"),
            refused("msr_index is built into this kernel: it is never loaded")
        );
        // It is behind a colon only.
        assert_eq!(
            folder.look_up("libcrc32c"),
            refused(
                "no module libcrc32c in DIR/modules.dep: if it was installed since, run depmod; else give the path of its file"
            )
        );
    }

    #[test]
    fn without_a_list_nothing_is_found() {
        let folder = Folder::new("none", &[]);
        assert_eq!(
            folder.look_up("xfs"),
            Err(
                "cannot look for module xfs: DIR/modules.dep: No such file or directory (os error 2); run depmod, or give \
                 the path of its file"
                    .to_owned()
            )
        );
        let error = read(&folder.0.join("xfs.ko")).unwrap_err();
        assert!(error.to_string().starts_with("cannot read the module "), "{error}");
    }
}
