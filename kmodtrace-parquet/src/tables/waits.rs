//! A row for each wait of an attempt.

use std::borrow::Cow;

use kmodtrace_core::report::{AttemptRow, WaitOfAttempt};

use super::words::text;
use crate::column::Column;

pub(crate) static WAITS: &[Column<AttemptRow, WaitOfAttempt>] = &[
    Column::number("attempt", "The `id` of the attempt that waited", |attempt, _| {
        Some(attempt.id)
    }),
    Column::text("module", "The module of that attempt", |attempt, _| {
        text(attempt.module.as_deref())
    }),
    Column::text("on_module", "The module that it waited for", |attempt, wait| {
        text(wait.module.as_deref()).or_else(|| text(attempt.module.as_deref()))
    }),
    Column::text(
        "kind",
        "`same-inode`, `same-name`, `dependency`, `mutex`, `rcu`, `async` or `request`",
        |_, wait| Some(Cow::Borrowed(wait.kind.name())),
    ),
    Column::number("start_ns", "Since when", |_, wait| Some(wait.start_ns)),
    Column::number("duration_ns", "How long; null where its end was not seen", |_, wait| {
        wait.duration_ns
    }),
    Column::number(
        "on_tid",
        "The task that it waited for; null where that was not seen",
        |_, wait| wait.on_tid.map(u64::from),
    ),
    Column::text("on_comm", "The name of that task", |_, wait| {
        text(wait.on_comm.as_deref())
    }),
    Column::number("on_attempt", "The `id` of the attempt that it waited for", |_, wait| {
        wait.on_id
    }),
    Column::number(
        "wakeups",
        "Wake-ups, the last one included; `same-name` waits only",
        |_, wait| wait.wakeups.map(u64::from),
    ),
    Column::number("spurious", "Wake-ups for nothing", |_, wait| {
        wait.spurious.map(u64::from)
    }),
];
