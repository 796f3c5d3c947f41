//! The program as people run it: exit status, what is on stdout, and one clear line on stderr for everything that is wrong.
//!
//! Nothing here attaches anything: what needs a kernel with modules is in `tests/guest`.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod bisect;
mod check;
mod colour;
mod damage;
mod diff;
mod drill;
mod export;
mod filters;
mod fleet;
mod formats;
mod hostile;
mod notices;
mod pager;
mod parquet;
mod redact;
mod schema;
mod serve;
mod signals;
mod streams;
mod support;
mod target;
mod terminal;
mod trace;
mod usage;
#[path = "../../../kmodtrace-core/tests/support/schema.rs"]
mod validation;
mod why;
