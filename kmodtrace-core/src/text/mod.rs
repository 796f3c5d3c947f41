//! Texts: quantities, tables and JSON, names by pattern, and what a terminal may be sent. It knows nothing of modules.

mod glob;
mod grid;
mod harmless;
mod json;
mod names;
mod quantity;
mod wrap;

pub use glob::Glob;
pub(crate) use grid::Grid;
pub use harmless::{Harmless, acts, printable};
pub use json::{json_schema, write_json, write_json_line};
pub use names::Names;
pub use quantity::{bytes_text, span_text};
pub(crate) use wrap::write_wrapped;
