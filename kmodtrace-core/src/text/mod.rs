//! Texts: quantities, tables and JSON, names by pattern, and what a terminal may be sent. It knows nothing of modules.

mod glob;
mod grid;
mod json;
mod names;
mod quantity;
mod wrap;

pub use glob::Glob;
pub(crate) use grid::Grid;
pub use grid::printable;
pub use json::{json_schema, write_json};
pub use names::Names;
pub use quantity::{bytes_text, span_text};
pub(crate) use wrap::write_wrapped;
