//! The strings of records.

use kmodtrace_common::COMM_LEN;
use kmodtrace_common::record::Layout;

/// Field, offset and size of each string: no number has more than 8 bytes, but for lists of thread groups. A field may hold several.
pub fn strings(layout: &Layout) -> impl Iterator<Item = (&'static str, usize, usize)> + use<> {
    let fields = layout.fields.iter().copied();
    let fields = fields.filter(|(name, _, size)| *size > 8 && !matches!(*name, "header" | "tgid"));
    fields.flat_map(|(name, offset, size)| {
        let each = if name == "comm" { COMM_LEN } else { size };
        (offset..offset + size).step_by(each).map(move |at| (name, at, each))
    })
}
