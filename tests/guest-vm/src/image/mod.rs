//! A whole Debian system: its packages, its own initramfs with all of the kernel's modules in reach, a disk with its root file
//! system, and a machine with many devices.
//!
//! [`Image::make`] puts programs into the system, lets a script change it, and makes initramfs and disk; [`boot`] boots it, and
//! brings back what the guest left. The system as the packages make it is kept in the cache.

mod devices;
mod machine;
mod pack;
mod tree;

pub use machine::{Boot, boot};
pub use pack::Image;

/// What makes the initramfs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initramfs {
    /// Debian's usual one: scripts, one after the other.
    InitramfsTools,
    /// The one of other distributions: systemd from the beginning.
    Dracut,
}

impl Initramfs {
    /// Its package.
    pub fn package(self) -> &'static str {
        match self {
            Self::InitramfsTools => "initramfs-tools",
            Self::Dracut => "dracut",
        }
    }

    /// What makes one for the kernel `$release`, for any machine.
    fn command(self) -> &'static str {
        match self {
            Self::InitramfsTools => "update-initramfs -c -k $release",
            Self::Dracut => "dracut --quiet --force --no-hostonly --kver $release /boot/initrd.img-$release",
        }
    }
}
