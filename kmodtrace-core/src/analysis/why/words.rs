//! Tasks and times, as sentences have them.

use crate::model::{Nanos, TaskRef};
use crate::text::span_text;

/// `task 5 (modprobe)`
pub(super) fn task(task: &TaskRef) -> String {
    format!("task {} ({})", task.tid.0, task.comm)
}

/// `12.3 ms`
pub(super) fn took(nanos: Nanos) -> String {
    let text = span_text(nanos.0);
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    format!("{number} {unit}")
}
