//! What the file of a kernel module tells of its functions before they run: which of them a probe can be put on, what each returns,
//! where it lies in the source, and which others it calls.
//!
//! [`unpack`] undoes how a distribution packed it. [`functions`] lists those that can be probed, and why the others cannot. [`describe`] tells of some of them what their code, the
//! BTF of the kernel and debugging information say, in the types that `kmodtrace_core::analysis::drill` understands calls with.
//!
//! Files come from anywhere: whatever is wrong with one is an error or a note, never a panic, and takes no more time and memory than
//! the file is long, but for packed sections, which have a bound together. Only x86-64 is disassembled; elsewhere no calls are known.

#![forbid(unsafe_code)]

mod debug;
mod describe;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod describe_tests;
mod elf;
mod error;
mod image;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod image_tests;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod room_tests;
mod sites;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod sites_tests;
mod unpack;

pub use describe::{Described, build_id, describe};
pub use error::ImageError;
pub use image::{Functions, LeftOut, Obstacle, ProbeableFunction, functions};
pub use unpack::{UnpackError, unpack};
