//! From the bytes that BPF programs write to events in the order of their times.

pub mod decode;
pub mod event;
pub mod order;
pub mod strings;
pub mod unnamed;
