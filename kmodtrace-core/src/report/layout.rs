//! How text is laid out.

use crate::model::Zero;

/// Columns of a terminal of which nothing is known.
const COLUMNS: usize = 80;

/// For whom text is laid out.
#[derive(Clone, Copy, Debug)]
pub struct TextLayout {
    /// No line is longer.
    pub columns: usize,
    /// The zero of times.
    pub zero: Zero,
}

impl Default for TextLayout {
    fn default() -> Self {
        Self {
            columns: COLUMNS,
            zero: Zero::Boot,
        }
    }
}
