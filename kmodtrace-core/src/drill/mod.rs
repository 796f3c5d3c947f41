//! Inside a module that is being loaded: what its file tells of its functions before they run.

mod debug;
mod describe;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod describe_tests;
mod elf;
mod image;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod image_tests;
mod known;
mod sites;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod sites_tests;

pub use describe::{Described, build_id, describe};
pub use image::{Function, Functions, ImageError, LeftOut, Why, functions};
pub use known::{Known, Line, Outcome, Returns, Site};
