//! What kmodtrace knows: decode, model, aggregates, plan, recording, views.
//!
//! No aya, tokio, clap, terminal, clock or file system: bytes come in, values go out, and time comes from events.

#![forbid(unsafe_code)]

pub mod aggregate;
pub mod attempt;
pub mod bisect;
pub mod btf;
pub mod causes;
pub mod coverage;
pub mod decode;
pub mod diff;
pub mod drill;
pub mod errno;
pub mod event;
pub mod facts;
pub mod findings;
pub mod function;
pub mod graph;
pub mod histogram;
pub mod kallsyms;
pub mod line;
pub mod monitor;
pub mod order;
pub mod origin;
pub mod pipeline;
pub mod plan;
pub mod recording;
pub mod report;
pub mod request;
pub mod session;
pub mod stage;
pub mod stages;
pub mod state;
pub mod units;
pub mod why;
