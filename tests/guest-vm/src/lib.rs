//! Guests: a kernel booted in QEMU on an initramfs of this machine's own tools, a command run in it, and what it said and left.
//!
//! Kernels come from Debian's packages, by the rows of [`kernel::MATRIX`], are built from Debian's source, or are a user's own:
//! [`kernel::find`] and [`kernel::ensure`] give one, [`vm::VmSpec::new`] says what to do in it, [`vm::run`] does it. What is
//! fetched and built is kept in [`paths::cache`]; what the machine lacks, [`packages::ensure`] installs.
//!
//! [`image`] boots a whole system instead: Debian's packages, with its own initramfs, from a disk.

pub mod artifacts;
pub mod fixtures;
pub mod git;
pub mod guest;
pub mod image;
pub mod kernel;
pub mod packages;
pub mod paths;
pub mod process;
pub mod python;
pub mod virtme;
pub mod vm;
