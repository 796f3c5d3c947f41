//! Frames of real recordings, and what keys do to them, without a terminal.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod frames;
mod hostile;
mod keys;
mod pictures;
mod seek;
mod stage;
mod svg;
