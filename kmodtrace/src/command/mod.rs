//! The commands, a file for each.

pub(crate) mod check;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod schema;
pub(crate) mod trace;
mod workload;

use std::future::Future;
use std::io;

use anyhow::{Context as _, Result};
use kmodtrace_core::report::Glob;

/// Runs this on the one thread that there is.
fn block_on<T>(task: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the event loop")?.block_on(task)
}

/// What came of writing to stdout.
fn written<T>(result: io::Result<T>) -> Result<T> {
    result.context("cannot write to stdout")
}

fn globs(patterns: &[String]) -> Vec<Glob> {
    patterns.iter().map(|pattern| Glob::new(pattern)).collect()
}
