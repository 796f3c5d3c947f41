//! Which modules go into a guest: the ones asked for, and everything they depend on, by `modules.dep`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use super::Kernel;
use crate::{paths, process};

/// Modules that make up a useful guest, where the kernel has them: the thread's own, file systems, links, crypto.
const USEFUL: &[&str] = &[
    "acpi_cpufreq",
    "pcc_cpufreq",
    "xfs",
    "btrfs",
    "dummy",
    "tun",
    "veth",
    "bonding",
    "bridge",
    "vxlan",
    "macvlan",
    "ipvlan",
    "loop",
    "overlay",
    "fuse",
    "isofs",
    "ext4",
    "nfs",
    "nf_tables",
    "nf_conntrack",
    "xt_conntrack",
    "sch_netem",
    "crc32c_generic",
    "crc32c_intel",
    "crypto_user",
    "algif_hash",
    "cmac",
    "test_module",
    "test_kmod",
    "ghash_clmulni_intel",
    "null_blk",
    "brd",
    "sha256_generic",
    "sha256_ssse3",
    "virtio_net",
    "virtio_blk",
    "virtio_console",
    "virtio_rng",
];

/// Modules a user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The whole tree.
    All,
    /// The everyday set, where `useful` says so and as far as the kernel has it, and these, which must exist.
    Some {
        /// Whether the everyday set is in.
        useful: bool,
        /// Names in the kernel's own form.
        named: Vec<String>,
    },
}

impl Selection {
    /// Reads a list of modules as users type it: `all`, or names separated by commas or spaces; `useful` among them stands for the everyday set.
    pub fn parse(text: &str) -> Self {
        if text == "all" {
            return Self::All;
        }
        let names = || text.split([',', ' ']).filter(|name| !name.is_empty());
        let useful = names().any(|name| name == "useful");
        Self::Some {
            useful,
            named: names().filter(|name| *name != "useful").map(normal).collect(),
        }
    }
}

impl Default for Selection {
    fn default() -> Self {
        Self::Some {
            useful: true,
            named: Vec::new(),
        }
    }
}

/// Builds `root/lib/modules/RELEASE` with the selected modules and indexes made for exactly these; returns that tree.
pub(crate) fn stage(kernel: &Kernel, selection: &Selection, root: &Path) -> Result<PathBuf> {
    let tree = root.join("lib/modules").join(&kernel.release);
    let dependencies = Dependencies::read(kernel)?;
    let wanted = match selection {
        // The cached tree is indexed already: it goes in as it is.
        Selection::All => return Ok(kernel.modules.clone()),
        Selection::Some { useful, named } => {
            let everyday = USEFUL.iter().copied().filter(|name| *useful && dependencies.has(name));
            dependencies.closure(everyday.chain(named.iter().map(String::as_str)))?
        }
    };
    link_all(kernel, wanted, &tree)?;
    index(root, &kernel.release)?;
    Ok(tree)
}

/// Builds `root/lib/modules/RELEASE` with all modules of the kernel, and these files under `extra`; returns that tree.
///
/// Where two of them export the same symbol, the later one is what others depend on: depmod reads modules in the order of
/// `modules.order`, and keeps the last owner of a symbol.
pub(crate) fn extend(kernel: &Kernel, extra: &[PathBuf], root: &Path) -> Result<PathBuf> {
    let tree = root.join("lib/modules").join(&kernel.release);
    let dependencies = Dependencies::read(kernel)?;
    let all = dependencies.files.values().filter_map(|files| files.first());
    link_all(kernel, all.map(String::as_str), &tree)?;
    let order = tree.join("modules.order");
    let mut listed = fs::read_to_string(&order).with_context(|| format!("cannot read {}", order.display()))?;
    for file in extra {
        let name = file.file_name().context("a module has no name")?.to_string_lossy();
        link(file, &tree.join("extra").join(&*name))?;
        listed.extend(["extra/", &name, "\n"]);
    }
    // Not in place: the file is the kernel's own, linked.
    fs::remove_file(&order)
        .and_then(|()| fs::write(&order, listed))
        .with_context(|| format!("cannot write {}", order.display()))?;
    index(root, &kernel.release)?;
    Ok(tree)
}

/// Puts these modules of a kernel into a tree, with the lists that are no index.
fn link_all<'a>(kernel: &Kernel, files: impl IntoIterator<Item = &'a str>, tree: &Path) -> Result<()> {
    fs::create_dir_all(tree).with_context(|| format!("cannot create {}", tree.display()))?;
    for file in files {
        link(&kernel.modules.join(file), &tree.join(file))?;
    }
    for list in ["modules.order", "modules.builtin", "modules.builtin.modinfo"] {
        if kernel.modules.join(list).exists() {
            link(&kernel.modules.join(list), &tree.join(list))?;
        }
    }
    Ok(())
}

/// Runs depmod over `root/lib/modules/RELEASE`.
pub(super) fn index(root: &Path, release: &str) -> Result<()> {
    let depmod = paths::program("depmod").context("depmod is missing (package kmod): cargo xtask setup installs it")?;
    let arguments = ["-b".as_ref(), root.as_os_str(), release.as_ref()];
    process::captured(process::command(depmod, arguments).env("LC_ALL", "C"))?;
    Ok(())
}

/// A hard link where the file system allows one, else a copy.
fn link(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    }
    let done = fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop));
    done.with_context(|| format!("cannot put {} at {}", from.display(), to.display()))
}

/// Module names are the same with dashes and underscores; the kernel's own form has underscores.
fn normal(name: &str) -> String {
    name.replace('-', "_")
}

/// The name of the module in a file: no directory, no `.ko` or compression.
fn module_name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    normal(file.split(".ko").next().unwrap_or(file))
}

/// What `modules.dep` says: each module's file, and the files it needs, already complete.
#[derive(Debug, Default)]
struct Dependencies {
    files: BTreeMap<String, Vec<String>>,
    builtin: BTreeSet<String>,
}

impl Dependencies {
    fn read(kernel: &Kernel) -> Result<Self> {
        let read = |name: &str| match fs::read_to_string(kernel.modules.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            result => result
                .map(Some)
                .with_context(|| format!("cannot read {name} of {}", kernel.release)),
        };
        let Some(dep) = read("modules.dep")? else {
            bail!(
                "{} has no modules.dep: run depmod for it (make modules_install does)",
                kernel.modules.display()
            );
        };
        Ok(Self::parse(&dep, &read("modules.builtin")?.unwrap_or_default()))
    }

    /// Lines are `kernel/a.ko: kernel/b.ko kernel/c.ko`, the dependencies transitive.
    fn parse(dep: &str, builtin: &str) -> Self {
        let mut files = BTreeMap::new();
        for line in dep.lines() {
            let Some((file, needs)) = line.split_once(':') else {
                continue;
            };
            let all = std::iter::once(file)
                .chain(needs.split_whitespace())
                .map(str::to_owned)
                .collect();
            files.insert(module_name(file), all);
        }
        Self {
            files,
            builtin: builtin.lines().map(module_name).collect(),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// The files of these modules and of what they need. A built-in one needs no file.
    fn closure<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<BTreeSet<&str>> {
        let mut wanted = BTreeSet::new();
        for name in names {
            match self.files.get(name) {
                Some(files) => wanted.extend(files.iter().map(String::as_str)),
                None if self.builtin.contains(name) => {}
                None => bail!("this kernel has no module {name}"),
            }
        }
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::{Dependencies, Selection, module_name};

    const DEP: &str = "kernel/fs/xfs/xfs.ko.xz: kernel/lib/libcrc32c.ko.xz\nkernel/lib/libcrc32c.ko.xz:\n\
        kernel/drivers/cpufreq/acpi-cpufreq.ko.xz: kernel/acpi/processor.ko.xz\nkernel/acpi/processor.ko.xz:\n";

    #[test]
    fn closure_brings_what_is_needed() {
        let dependencies = Dependencies::parse(DEP, "kernel/fs/ext4/ext4.ko\n");
        let files = dependencies.closure(["xfs", "ext4"].into_iter()).unwrap_or_default();
        assert_eq!(
            files.into_iter().collect::<Vec<_>>(),
            ["kernel/fs/xfs/xfs.ko.xz", "kernel/lib/libcrc32c.ko.xz"]
        );
    }

    #[test]
    fn an_unknown_module_is_named() {
        let dependencies = Dependencies::parse(DEP, "");
        let error = dependencies
            .closure(["zfs"].into_iter())
            .map(drop)
            .map_err(|error| error.to_string());
        assert_eq!(error, Err("this kernel has no module zfs".to_owned()));
    }

    #[test]
    fn names_are_the_kernels() {
        assert_eq!(module_name("kernel/drivers/cpufreq/acpi-cpufreq.ko.xz"), "acpi_cpufreq");
        let selection = Selection::parse("acpi-cpufreq,xfs");
        let named = ["acpi_cpufreq", "xfs"].map(str::to_owned).to_vec();
        assert_eq!(selection, Selection::Some { useful: false, named });
        assert_eq!(Selection::parse("useful"), Selection::default());
        assert_eq!(Selection::parse("all"), Selection::All);
    }
}
