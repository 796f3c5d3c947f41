//! What a kernel tells of itself: its types, its symbols, and the facts that follow.

pub mod btf;
pub mod facts;
pub mod kallsyms;
