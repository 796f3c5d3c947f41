//! Which kernel this is, as far as the arrangements differ.

use std::fs;

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
