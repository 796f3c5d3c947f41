//! What a kernel tells of itself: its types, its symbols, its own ring of events, and the facts that follow.

pub mod btf;
pub mod facts;
pub mod kallsyms;
pub mod ring;
