//! Names as the kernel has them.

/// Name of a module, a task, a file or a symbol. Up to 23 bytes lie in place: a recording has as many names as records, and nearly all
/// are as short as that. A longer one is shared by its copies.
pub type Name = smol_str::SmolStr;
