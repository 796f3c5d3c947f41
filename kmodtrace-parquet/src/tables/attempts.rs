//! A row for each load and unload.

use kmodtrace_core::report::AttemptRow;

use super::words::{seen, text, word, words};
use crate::column::Column;

pub(crate) static ATTEMPTS: &[Column<AttemptRow>] = &[
    Column::number("id", "Its number in the recording, from 1", |row, ()| Some(row.id)),
    Column::text(
        "syscall",
        "`finit_module`, `init_module` or `delete_module`; null where the entry was not seen",
        |row, ()| word(row.syscall),
    ),
    Column::text("module", "The module; null where it had no name yet", |row, ()| {
        text(row.module.as_deref())
    }),
    Column::number("tid", "The task", |row, ()| Some(row.tid.into())),
    Column::number("tgid", "Its thread group", |row, ()| Some(row.tgid.into())),
    Column::text("comm", "The task's name", |row, ()| seen(&row.comm)),
    Column::text("parent_comm", "The name of the thread group's parent", |row, ()| {
        text(row.parent_comm.as_deref())
    }),
    Column::number("uid", "The effective user", |row, ()| row.uid.map(u64::from)),
    Column::flag("capable", "Whether the task had `CAP_SYS_MODULE`", |row, ()| {
        row.capable
    }),
    Column::text("args", "The argument string, up to 127 bytes", |row, ()| {
        text(row.args.as_deref())
    }),
    Column::text("file", "The last component of the file's path", |row, ()| {
        text(row.file.as_deref())
    }),
    Column::text("path", "The whole path", |row, ()| text(row.path.as_deref())),
    Column::text(
        "device_path",
        "Where the device that udev handled is below /sys; null for other tasks",
        |row, ()| seen(&row.device.as_ref()?.path),
    ),
    Column::text("device_alias", "Its `MODALIAS`", |row, ()| {
        text(row.device.as_ref()?.alias.as_deref())
    }),
    Column::number("start_ns", "Entry", |row, ()| row.start_ns),
    Column::number("end_ns", "Return", |row, ()| row.end_ns),
    Column::number("duration_ns", "From one to the other", |row, ()| row.duration_ns),
    Column::number(
        "errno",
        "What the caller got: 0, or a positive error number; null where the return was not seen",
        |row, ()| row.errno.map(u64::from),
    ),
    Column::text("errno_name", "Its name: `OK`, `EBUSY`, ...", |row, ()| {
        text(row.errno_name.as_deref())
    }),
    Column::text(
        "role",
        "`leader` (its own load went ahead), `follower` (it waited for or shared another's) or `refused` (turned away at once)",
        |row, ()| word(row.role),
    ),
    Column::text(
        "collided_with",
        "The first thing that stood in its way: `UNFORMED`, `COMING`, `GOING`, `LIVE` or `IN_FLIGHT`",
        |row, ()| word(row.collided_with),
    ),
    Column::number(
        "leader_attempt",
        "The `id` of the load or unload that that was of",
        |row, ()| row.leader_id,
    ),
    Column::text("leader_comm", "The name of the task that made it", |row, ()| {
        text(row.leader_comm.as_deref())
    }),
    Column::number("load_module_ns", "Time inside `load_module`", |row, ()| {
        row.load_module_ns
    }),
    Column::number("init_ns", "Time inside the init function", |row, ()| row.init_ns),
    Column::number(
        "init_errno",
        "What the init function itself returned: 0, or a positive error number",
        |row, ()| row.init_errno.map(u64::from),
    ),
    Column::text("init_symbol", "The init function", |row, ()| {
        text(row.init_symbol.as_deref())
    }),
    Column::number("bytes", "Size of the image", |row, ()| row.bytes),
    Column::number("request", "The `id` of the request whose helper made it", |row, ()| {
        row.request
    }),
    Column::texts("notes", "What is known to be missing", |row, ()| {
        Some(words(&row.notes))
    }),
];
