//! How the code is laid out: files and folders that do not lead back to each other, and public types with names of their own.
//!
//! Apart from xtask, which is running while it has these run: cargo would make its program anew for tests of it.

#[cfg(test)]
mod imports;
#[cfg(test)]
mod names;
