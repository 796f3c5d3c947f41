//! Which kernel this is, as far as the arrangements differ.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// The running kernel.
///
/// This goes by version on purpose: the tracer asks what the kernel has, and its oracle must not ask the same way.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// As `uname -r` has it.
    pub(crate) release: String,
    version: (u32, u32),
}

impl Kernel {
    /// The one that runs this program.
    pub(crate) fn running() -> Result<Self> {
        let path = "/proc/sys/kernel/osrelease";
        let release = fs::read_to_string(path).with_context(|| format!("cannot read {path}: is /proc mounted?"))?;
        Self::parse(release.trim())
    }

    fn parse(release: &str) -> Result<Self> {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
            anyhow::bail!("kernel release {release:?} does not begin with a version");
        };
        Ok(Self {
            release: release.to_owned(),
            version: (major, minor),
        })
    }

    /// Whether `finit_module` of an inode that is being loaded waits for that load and takes its result: 9b9879fc0327
    /// "modules: catch concurrent module loads, treat them as idempotent", 6.5. `init_module` never does.
    pub(crate) fn shares_inode_loads(&self) -> bool {
        self.version >= (6, 5)
    }

    /// Whether a signal ends that wait: 2124d84db293 "module: make waiting for a concurrent module loader
    /// interruptible", 6.11.
    pub(crate) fn inode_wait_is_interruptible(&self) -> bool {
        self.version >= (6, 11)
    }

    /// Whether a name is looked up before memory is taken, by `module_patient_check_exists`: 064f4536d139 "module: avoid
    /// allocation if module is already present and ready", 6.4.
    pub(crate) fn looks_up_names_early(&self) -> bool {
        self.version >= (6, 4)
    }

    /// Whether `finit_module` knows `MODULE_INIT_COMPRESSED_FILE`: b1ae6dc41eaa "module: add in-kernel support for
    /// decompressing", 5.17.
    pub(crate) fn knows_compressed_files(&self) -> bool {
        self.version >= (5, 17)
    }

    /// Whether it can decompress them, which it says there.
    pub(crate) fn decompresses() -> bool {
        Path::new("/sys/module/compression").exists()
    }

    /// Whether the loader's checks have functions of their own: kernel/module.c of 5.10 is one file, from which the
    /// compiler inlines all that is called once.
    pub(crate) fn inlines_less(&self) -> bool {
        self.version >= (6, 0)
    }

    /// Whether a symbol's section is looked at before it is used, which `simplify_symbols` of Debian's 5.10 does not:
    /// it would go on with whatever it finds there.
    pub(crate) fn checks_symbol_sections(&self) -> bool {
        self.version >= (6, 1)
    }

    /// Whether the size of the image's `struct module` must be the kernel's.
    pub(crate) fn checks_module_struct(&self) -> bool {
        self.version >= (6, 12)
    }

    /// Whether Debian's kernel refuses a module over its BTF: it does unless built with `MODULE_ALLOW_BTF_MISMATCH`.
    pub(crate) fn insists_on_btf(&self) -> bool {
        self.version >= (7, 0)
    }

    /// Whether a BPF program can tell the name of a function: `bpf_snprintf`, 5.13.
    pub(crate) fn tells_functions(&self) -> bool {
        self.version >= (5, 13)
    }

    /// Whether an init function's EEXIST becomes EBUSY: `do_init_module`, 7.0.
    pub(crate) fn hides_eexist(&self) -> bool {
        self.version >= (7, 0)
    }

    /// What a parameter of the kernel's command line is set to.
    pub(crate) fn parameter(name: &str) -> Result<Option<String>> {
        let line = fs::read_to_string("/proc/cmdline").context("cannot read the kernel's command line")?;
        let mut words = line.split_ascii_whitespace().filter_map(|word| word.split_once('='));
        Ok(words.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    #[test]
    fn releases_of_debian() {
        for (release, shares, interruptible) in [
            ("5.10.0-46-cloud-amd64", false, false),
            ("6.1.0-56-cloud-amd64", false, false),
            ("6.5.3", true, false),
            ("6.12.117+deb13-cloud-amd64", true, true),
            ("7.2.13+deb14-cloud-amd64", true, true),
        ] {
            let kernel = Kernel::parse(release).unwrap();
            assert_eq!(kernel.shares_inode_loads(), shares, "{release}");
            assert_eq!(kernel.inode_wait_is_interruptible(), interruptible, "{release}");
        }
        assert!(Kernel::parse("next").is_err());
    }
}
