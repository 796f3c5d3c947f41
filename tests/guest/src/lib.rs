//! Everything that must hold before a change is done: the parts of `cargo xtask test`.
//!
//! A [`part::Part`] is a check of this machine (format, lints, tests of the crates, fuzzing, the view in a terminal), or scenarios in a guest
//! with a kernel of the matrix. A scenario is an arrangement, what it forces, and a check of the JSON that kmodtrace gives of it: no
//! check of a guest reads a sentence where there is a field. The arrangements of the driver are in `tests/driver`, and say in its
//! log what they force.

mod addresses;
mod bad_input;
mod bisect;
mod bisect_guests;
mod boot;
mod bpftool;
mod clipped;
mod compare;
mod corpus;
mod drill;
mod faults;
mod fleet;
mod flood;
pub mod fuzzing;
mod guest;
mod host;
mod observed;
mod oracle;
pub mod part;
mod privileges;
mod prometheus;
mod recording;
mod requests;
mod scenarios;
mod schedule;
mod scripted;
mod selftest;
mod served;
mod services;
mod storm;
mod subject;
mod summary;
mod terminal;
mod tmux;

use std::time::Instant;

use part::Part;
pub use scripted::pictures;
use summary::Summary;

/// Runs parts, several at the same time, and prints what comes of each. Whether all is well; the last line says how many checks and
/// scenarios passed and failed, and how long it took.
pub fn run(parts: Vec<Part>) -> bool {
    let begin = Instant::now();
    let mut summary = Summary::default();
    schedule::run(parts, &mut |done| summary.add(done));
    summary.print(begin.elapsed());
    summary.is_good()
}
