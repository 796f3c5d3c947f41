//! A row for each failure: where it came from.

use std::borrow::Cow;

use kmodtrace_core::model::Errno;
use kmodtrace_core::report::{AttemptRow, OriginRow, RequestRow};

use super::words::{seen, text, word, words};
use crate::column::Column;

/// What failed.
#[derive(Default)]
pub(crate) struct Failed {
    attempt: Option<u64>,
    request: Option<u64>,
    name: Option<String>,
}

impl Failed {
    pub(crate) fn attempt(row: &AttemptRow) -> Self {
        Self {
            attempt: Some(row.id),
            name: row.module.clone(),
            ..Self::default()
        }
    }

    pub(crate) fn request(row: &RequestRow) -> Self {
        Self {
            request: Some(row.id),
            name: Some(row.name.clone()).filter(|name| !name.is_empty()),
            ..Self::default()
        }
    }
}

pub(crate) static ORIGINS: &[Column<Failed, OriginRow>] = &[
    Column::number("attempt", "The `id` of the attempt; null for a request", |failed, _| {
        failed.attempt
    }),
    Column::number(
        "request",
        "The `id` of the request; null for an attempt",
        |failed, _| failed.request,
    ),
    Column::text("name", "The module, or what was requested", |failed, _| {
        text(failed.name.as_deref())
    }),
    Column::number(
        "errno",
        "What the call returned, as a positive error number; null for a request whose helper failed",
        |_, row| Some(row.errno.into()).filter(|errno| *errno > 0),
    ),
    Column::text("errno_name", "Its name", |_, row| {
        (row.errno > 0).then(|| Errno(row.errno).name())
    }),
    Column::text("stage", "What the loader was about", |_, row| {
        Some(Cow::Borrowed(row.stage.name()))
    }),
    Column::text(
        "function",
        "The function that returned it first, or the one into which that is inlined",
        |_, row| seen(&row.function),
    ),
    Column::text(
        "certainty",
        "`exact`, or `gap` where only the ends of a gap are known",
        |_, row| word(row.certainty),
    ),
    Column::text(
        "after",
        "The last function that was passed; null where it is exact",
        |_, row| {
            let [after, _] = row.between.as_ref()?;
            seen(after)
        },
    ),
    Column::text(
        "before",
        "The next one that would have been passed; null where it is exact",
        |_, row| {
            let [_, before] = row.between.as_ref()?;
            seen(before)
        },
    ),
    Column::texts(
        "causes",
        "What may have made it, as `kmodtrace explain` has it, the likeliest first",
        |_, row| Some(words(&row.causes)),
    ),
    Column::number(
        "from_attempt",
        "The `id` of the attempt whose failure it follows from",
        |_, row| row.from_id,
    ),
    Column::number("from_errno", "The errno that it was before", |_, row| {
        row.from_errno.map(u64::from)
    }),
    Column::texts(
        "through",
        "Functions that passed it on, the innermost first",
        |_, row| Some(words(&row.through)),
    ),
    Column::texts("evidence", "Lines of the kernel log that say so", |_, row| {
        Some(words(&row.evidence))
    }),
];
