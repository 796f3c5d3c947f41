//! A row for each finding.

use std::borrow::Cow;

use kmodtrace_core::analysis::findings::Finding;

use super::words::{seen, text};
use crate::column::Column;

pub(crate) static FINDINGS: &[Column<Finding>] = &[
    Column::text("finding", "Which one, such as `pile-up`", |finding, ()| {
        Some(Cow::Borrowed(finding.id.name()))
    }),
    Column::text(
        "module",
        "The module, or what was requested; null where it is about all of them",
        |finding, ()| text(finding.module.as_deref()),
    ),
    Column::text("sentence", "In words", |finding, ()| seen(&finding.sentence)),
    Column::number(
        "cost_ns",
        "Time that it cost; null where it is not about time",
        |finding, ()| {
            let is_of_time = finding.numbers.keys().any(|name| name.ends_with("_ns"));
            is_of_time.then(|| finding.cost_ns())
        },
    ),
    Column::number("attempts", "Attempts that show it", |finding, ()| {
        Some(finding.attempts.count)
    }),
    Column::numbers(
        "attempt_ids",
        "The `id`s of the first of them, eight at most",
        |finding, ()| Some(finding.attempts.ids.clone()),
    ),
    Column::number("requests", "Requests that show it", |finding, ()| {
        Some(finding.requests.count)
    }),
    Column::numbers(
        "request_ids",
        "The `id`s of the first of them, eight at most",
        |finding, ()| Some(finding.requests.ids.clone()),
    ),
    Column::text("advice", "What to do", |finding, ()| seen(finding.advice)),
];
