//! What a guest runs: an initramfs with the host's own tools in it, and nothing to install.

mod cpio;
mod libraries;
mod rootfs;
mod tools;

use rootfs::Rootfs;
pub(crate) use tools::build;
pub use tools::{Guest, Terminal};
