//! Tables of what recordings hold, as Parquet files, for engines that answer questions about many machines in SQL.
//!
//! [`Export`] is one writing of files into a folder: it is there whole or not at all. [`Tables`] takes reports and makes rows of them, for a
//! set of recordings that began on the same day. What columns there are is told by [`tables`], and nowhere else.

#![forbid(unsafe_code)]

mod column;
mod export;
mod file;
mod rows;
mod sets;
pub mod tables;

pub use export::Export;
pub use sets::{Tables, day};
