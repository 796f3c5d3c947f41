//! A row for each state that a module was in.

use kmodtrace_core::report::StateRow;

use super::words::{seen, word};
use crate::column::Column;

pub(crate) static STATES: &[Column<StateRow>] = &[
    Column::text("module", "The module", |row, ()| seen(&row.module)),
    Column::text("state", "`UNFORMED`, `COMING`, `LIVE` or `GOING`", |row, ()| {
        word(row.state)
    }),
    Column::number("start_ns", "Since when", |row, ()| Some(row.start_ns)),
    Column::number("duration_ns", "How long; null where it lasted at the end", |row, ()| {
        row.duration_ns
    }),
    Column::text(
        "cause",
        "Why it became GOING: `unload` or `failed_load`; null for other states",
        |row, ()| word(row.cause),
    ),
];
