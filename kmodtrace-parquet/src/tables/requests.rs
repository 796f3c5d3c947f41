//! A row for each request.

use kmodtrace_core::report::{HelperRow, RequestRow};

use super::words::{seen, text, words};
use crate::column::Column;

fn helper<T>(row: &RequestRow, of: fn(&HelperRow) -> Option<T>) -> Option<T> {
    row.helper.as_ref().and_then(of)
}

pub(crate) static REQUESTS: &[Column<RequestRow>] = &[
    Column::number("id", "Its number in the recording, from 1", |row, ()| Some(row.id)),
    Column::text(
        "name",
        "What is requested; null where the beginning was not seen",
        |row, ()| seen(&row.name),
    ),
    Column::number("tid", "The task that asks", |row, ()| Some(row.tid.into())),
    Column::number("tgid", "Its thread group", |row, ()| Some(row.tgid.into())),
    Column::text("comm", "The task's name", |row, ()| seen(&row.comm)),
    Column::text("parent_comm", "The name of who started it", |row, ()| {
        seen(&row.parent.as_ref()?.comm)
    }),
    Column::flag("kernel_thread", "Whether the task is a kernel thread", |row, ()| {
        row.kernel_thread
    }),
    Column::text("work", "The work function of a kworker", |row, ()| {
        text(row.work.as_deref())
    }),
    Column::number(
        "inside",
        "The `id` of the attempt inside which it is made",
        |row, ()| row.inside,
    ),
    Column::text("call_site", "The function that asked", |row, ()| {
        text(row.call_site.as_deref())
    }),
    Column::number("start_ns", "Beginning", |row, ()| row.start_ns),
    Column::number("end_ns", "Answer", |row, ()| row.end_ns),
    Column::number("duration_ns", "From one to the other", |row, ()| row.duration_ns),
    Column::number(
        "refused",
        "The refusal of a security module, as a positive error number",
        |row, ()| row.refused.map(u64::from),
    ),
    Column::number(
        "slot_wait_ns",
        "Wait for one of the 50 slots; null where there was none, or where its end was not seen",
        |row, ()| row.slot.as_ref()?.duration_ns,
    ),
    Column::number(
        "slots_held",
        "Requests that held a slot when that wait began",
        |row, ()| row.slot.as_ref().map(|slot| slot.held.into()),
    ),
    Column::number(
        "duplicate_wait_ns",
        "Wait for the same request of another task",
        |row, ()| row.duplicate.as_ref()?.duration_ns,
    ),
    Column::flag("waits", "Whether the requester waits for the helper", |row, ()| {
        row.waits
    }),
    Column::text("helper_path", "The helper that was to run", |row, ()| {
        seen(&row.helper.as_ref()?.path)
    }),
    Column::number(
        "helper_start_ns",
        "Since when the requester waited for it",
        |row, ()| helper(row, |helper| Some(helper.start_ns)),
    ),
    Column::number("helper_taken_up_ns", "When a kworker took it up", |row, ()| {
        helper(row, |helper| helper.taken_up_ns)
    }),
    Column::number("helper_forked_ns", "When its task began", |row, ()| {
        helper(row, |helper| helper.forked_ns)
    }),
    Column::number("helper_runs_ns", "When it began to run its program", |row, ()| {
        helper(row, |helper| helper.runs_ns)
    }),
    Column::number("helper_ended_ns", "When it ended", |row, ()| {
        helper(row, |helper| helper.ended_ns)
    }),
    Column::signed("helper_status", "Its wait status", |row, ()| {
        helper(row, |helper| helper.status)
    }),
    Column::signed(
        "ret",
        "What came back: 0, -errno, or the wait status of the helper",
        |row, ()| row.ret,
    ),
    Column::text(
        "outcome",
        "The same in words: `OK`, an errno, `exit 1`, `killed by signal 9`",
        |row, ()| text(row.outcome.as_deref()),
    ),
    Column::text(
        "caller",
        "The function that got the answer and made something else of it",
        |row, ()| seen(&row.caller.as_ref()?.function),
    ),
    Column::flag(
        "caller_found",
        "Whether that function gave what it was asked for",
        |row, ()| row.caller.as_ref().map(|caller| caller.found),
    ),
    Column::texts("notes", "What is known to be missing", |row, ()| {
        Some(words(&row.notes))
    }),
];
