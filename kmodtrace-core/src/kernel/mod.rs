//! What a kernel tells of itself: its types, its symbols, its log, its own ring of events, and the facts that follow.

pub mod btf;
pub mod facts;
pub mod kallsyms;
pub(crate) mod log;
pub mod ring;
