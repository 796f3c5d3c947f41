//! What may be wrong with a file.

/// A file that is no module, or none that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The first bytes are others.
    #[error("not a module: the file does not begin as ELF files do")]
    NotElf,
    /// Of 32 bits, or of the other byte order.
    #[error("a module for another machine: not a 64-bit little-endian ELF file")]
    OtherMachine,
    /// A program, a shared library, a core.
    #[error("not a module: an ELF file of type {0}, modules are relocatable (type 1)")]
    NotRelocatable(u16),
    /// Stripped of everything, which the kernel would refuse too.
    #[error("the module has no symbol table, so its functions have no names")]
    NoSymbols,
    /// An object file, but no module.
    #[error("not a module: neither .modinfo nor .gnu.linkonce.this_module holds a name for it")]
    NoName,
    /// It ends, or points, outside itself.
    #[error("the module is cut short or damaged: {0}")]
    Damaged(String),
}

impl From<object::Error> for ImageError {
    fn from(error: object::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}
