//! A row for each module of a recording.

use std::sync::LazyLock;

use kmodtrace_core::model::WaitKind;
use kmodtrace_core::report::{BucketRow, ModuleRow, WaitRow};

use super::words::text;
use crate::column::Column;

fn wait(row: &ModuleRow, kind: WaitKind) -> Option<&WaitRow> {
    row.waits.iter().find(|wait| wait.kind == kind)
}

fn uppers(buckets: &[BucketRow]) -> Vec<u64> {
    buckets.iter().map(|bucket| bucket.upper_ns).collect()
}

fn counts(buckets: &[BucketRow]) -> Vec<u64> {
    buckets.iter().map(|bucket| bucket.count).collect()
}

/// The columns of a distribution that JSON has under this name.
macro_rules! times {
    ($name:literal, $json:literal, $what:literal) => {
        [
            Column::number(
                concat!($name, "_count"),
                concat!("Number of ", $what),
                |row: &ModuleRow, ()| row.times($json).map(|times| times.count),
            ),
            Column::number(concat!($name, "_total_ns"), "Their sum", |row: &ModuleRow, ()| {
                row.times($json).map(|times| times.total)
            }),
            Column::number(concat!($name, "_max_ns"), "The longest", |row: &ModuleRow, ()| {
                row.times($json)?.max
            }),
            Column::numbers(
                concat!($name, "_upper_ns"),
                "Upper bounds of the buckets that hold any",
                |row: &ModuleRow, ()| row.times($json).map(|times| uppers(&times.buckets)),
            ),
            Column::numbers(
                concat!($name, "_counts"),
                "How many each of these buckets holds",
                |row: &ModuleRow, ()| row.times($json).map(|times| counts(&times.buckets)),
            ),
        ]
    };
}

/// The columns of a kind of wait.
macro_rules! waits {
    ($name:literal, $kind:ident) => {
        [
            Column::number(
                concat!($name, "_wait_count"),
                concat!("Number of ", $name, " waits; null where nobody watched"),
                |row: &ModuleRow, ()| wait(row, WaitKind::$kind)?.count,
            ),
            Column::number(concat!($name, "_wait_total_ns"), "Their sum", |row: &ModuleRow, ()| {
                wait(row, WaitKind::$kind)?.total_ns
            }),
            Column::number(concat!($name, "_wait_max_ns"), "The longest", |row: &ModuleRow, ()| {
                wait(row, WaitKind::$kind)?.max_ns
            }),
            Column::numbers(
                concat!($name, "_wait_upper_ns"),
                "Upper bounds of the buckets that hold any",
                |row: &ModuleRow, ()| wait(row, WaitKind::$kind)?.buckets.as_deref().map(uppers),
            ),
            Column::numbers(
                concat!($name, "_wait_counts"),
                "How many each of these buckets holds",
                |row: &ModuleRow, ()| wait(row, WaitKind::$kind)?.buckets.as_deref().map(counts),
            ),
        ]
    };
}

fn calls() -> [Column<ModuleRow>; 13] {
    [
        Column::text(
            "module",
            "The module; null for loads that failed before theirs had a name",
            |row, ()| text(row.name.as_deref()),
        ),
        Column::number("attempts", "Calls of `init_module` and `finit_module`", |row, ()| {
            Some(row.attempts)
        }),
        Column::number("failed", "Those that returned an error", |row, ()| Some(row.failed())),
        Column::number("unfinished", "Those whose return was not seen", |row, ()| {
            Some(row.unfinished)
        }),
        Column::number("unloads", "Calls of `delete_module`", |row, ()| Some(row.unloads.count)),
        Column::number(
            "wasted_bytes",
            "Bytes read or handed over by loads that failed; null where nobody watched",
            |row, ()| row.wasted_bytes,
        ),
        Column::number(
            "met_unformed",
            "Loads that met it UNFORMED first; null where nobody watched",
            |row, ()| row.collisions.unformed,
        ),
        Column::number(
            "met_coming",
            "Loads that met it COMING first; null where nobody watched",
            |row, ()| row.collisions.coming,
        ),
        Column::number(
            "met_going",
            "Loads that met it GOING first; null where nobody watched",
            |row, ()| row.collisions.going,
        ),
        Column::number(
            "met_live",
            "Loads that met it LIVE first; null where nobody watched",
            |row, ()| row.collisions.live,
        ),
        Column::number(
            "met_in_flight",
            "Loads that met a load of the same inode first; null where nobody watched",
            |row, ()| row.collisions.in_flight,
        ),
        Column::number(
            "going_count",
            "How often it was GOING; null where nobody watched",
            |row, ()| row.going.as_ref().map(|going| going.windows),
        ),
        Column::number("going_total_ns", "And for how long", |row, ()| {
            row.going.as_ref().map(|going| going.total_ns)
        }),
    ]
}

pub(crate) static MODULES: LazyLock<Vec<Column<ModuleRow>>> = LazyLock::new(|| {
    let times = [
        times!("load", "load_ns", "loads that went ahead themselves"),
        times!(
            "init",
            "init_ns",
            "runs of the init function; null where nobody watched"
        ),
        waits!("same_inode", SameInode),
        waits!("same_name", SameName),
        waits!("dependency", Dependency),
        waits!("mutex", Mutex),
        waits!("rcu", Rcu),
        waits!("async", Async),
        waits!("request", Request),
    ];
    calls().into_iter().chain(times.into_iter().flatten()).collect()
});
