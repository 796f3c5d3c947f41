//! The commands, a file for each.

pub(crate) mod bisect;
pub(crate) mod boot;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod drill;
pub(crate) mod explain;
#[cfg(feature = "export")]
pub(crate) mod export;
mod fleet;
mod gathered;
pub(crate) mod graph;
pub(crate) mod record;
pub(crate) mod redact;
pub(crate) mod report;
mod runs;
pub(crate) mod schema;
#[cfg(feature = "export")]
pub(crate) mod serve;
mod side_by_side;
mod tee;
pub(crate) mod trace;
pub(crate) mod view;
pub(crate) mod why;

use kmodtrace_core::records::event::Counters;
use kmodtrace_core::records::order::Loss;
use kmodtrace_core::report::refused_text;

use crate::cli::{Tracing, With};
use crate::live::attach::Wish;
use crate::live::session::Options;

/// What the options say of tracing.
fn options<'o>(tracing: &'o Tracing, modules: &'o [String], quiet: bool, bpf_log: bool) -> Options<'o> {
    Options {
        wish: Wish {
            log: bpf_log,
            max_in_flight: tracing.max_in_flight,
            families: &With::families(&tracing.with) - &With::families(&tracing.without),
        },
        modules,
        functions: None,
        command: &tracing.command,
        duration: tracing.duration,
        labels: &tracing.labels,
        quiet,
    }
}

/// What is missing, as every front end says it at its end.
fn missing(loss: &Loss) -> String {
    let Counters {
        dropped: _,
        missed,
        clipped,
    } = loss.counters();
    let refused = refused_text(&loss.refused()).map_or_else(String::new, |sentence| format!("; {sentence}"));
    format!("lost {}, missed {missed}, clipped {clipped}{refused}", loss.lost())
}
