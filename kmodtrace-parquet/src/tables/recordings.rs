//! A row for each recording.

use kmodtrace_core::analysis::account::Account;
use kmodtrace_core::recording::Milestone;
use kmodtrace_core::report::{RecordingRow, Report};

use super::words::{seen, text, words};
use crate::column::Column;

fn head(report: &Report) -> Option<&RecordingRow> {
    report.recording.as_ref()
}

fn passed(report: &Report, milestone: Milestone) -> Option<u64> {
    head(report)?.passed_ns(milestone)
}

fn sum(report: &Report, of: fn(&Account) -> u64) -> Option<u64> {
    report.account.as_ref().map(of)
}

/// A number of the version that a release begins with: 6, 12 and 5 of `6.12.5-amd64`.
fn version(report: &Report, nth: usize) -> Option<u64> {
    let release = report.kernel.release.as_deref()?;
    let version = release.split(|c: char| c != '.' && !c.is_ascii_digit()).next()?;
    version.split('.').nth(nth)?.parse().ok()
}

pub(crate) static COLUMNS: &[Column<Report>] = &[
    Column::text("machine_id", "The machine's id, hashed for kmodtrace", |report, ()| {
        text(head(report)?.machine_id.as_deref())
    }),
    Column::text("boot_id", "The boot's id", |report, ()| {
        text(head(report)?.boot_id.as_deref())
    }),
    Column::text(
        "host",
        "The machine's name; null where it was not asked for",
        |report, ()| text(head(report)?.host.as_deref()),
    ),
    Column::map(
        "tags",
        "What whoever recorded it said of the machine or the recording",
        |report, ()| {
            let tags = head(report).into_iter().flat_map(|head| &head.tags);
            tags.map(|(name, value)| (name.as_str(), value.as_str())).collect()
        },
    ),
    Column::text("kernel_release", "As `uname -r` says", |report, ()| {
        text(report.kernel.release.as_deref())
    }),
    Column::number(
        "kernel_major",
        "The first number of the release; null where it does not begin with one",
        |report, ()| version(report, 0),
    ),
    Column::number("kernel_minor", "The second number of the release", |report, ()| {
        version(report, 1)
    }),
    Column::number("kernel_patch", "The third number of the release", |report, ()| {
        version(report, 2)
    }),
    Column::text(
        "kernel_version",
        "As `uname -v` says: which build it is",
        |report, ()| seen(report.kernel.version.as_deref()?),
    ),
    Column::text("arch", "As `uname -m` says", |report, ()| {
        text(report.kernel.arch.as_deref())
    }),
    Column::number("cpus", "Possible CPUs", |report, ()| {
        head(report).map(|head| head.cpus.into())
    }),
    Column::text("tool", "The version of the kmodtrace that recorded it", |report, ()| {
        seen(&head(report)?.tool)
    }),
    Column::texts(
        "command",
        "The command that was run under the tracer; null where there was none",
        |report, ()| Some(words(head(report)?.command.as_ref()?)),
    ),
    Column::signed(
        "command_status",
        "Its exit status, or 128 and the signal that killed it",
        |report, ()| serde_json::to_value(head(report)?.command_status?).ok()?.as_i64(),
    ),
    Column::time("began", "When it began, in UTC, to the microsecond", |report, ()| {
        head(report).map(|head| head.began_unix_ns)
    }),
    Column::number("began_unix_ns", "The same since 1970-01-01 00:00 UTC", |report, ()| {
        head(report).map(|head| head.began_unix_ns)
    }),
    Column::number(
        "began_ns",
        "The same since the kernel started, as all times of the tables are",
        |report, ()| head(report).map(|head| head.began_ns),
    ),
    Column::number("lasted_ns", "From the beginning to the end", |report, ()| {
        sum(report, |account| account.lasted_ns)
    }),
    Column::number(
        "attached_ns",
        "When the tracer of a boot was attached; null for what was not recorded as a boot",
        |report, ()| passed(report, Milestone::Attached),
    ),
    Column::number("initramfs_ns", "When systemd began in the initramfs", |report, ()| {
        passed(report, Milestone::Initramfs)
    }),
    Column::number(
        "userspace_ns",
        "When the first program of the real root began",
        |report, ()| passed(report, Milestone::Userspace),
    ),
    Column::number("finished_ns", "When the default target was reached", |report, ()| {
        passed(report, Milestone::Finished)
    }),
    Column::number(
        "ended_ns",
        "When the boot was over, as far as loads of modules are concerned",
        |report, ()| passed(report, Milestone::Ended),
    ),
    Column::number(
        "in_flight_ns",
        "Time in which at least one load was in flight: what loading cost the boot",
        |report, ()| sum(report, |account| account.in_flight_ns),
    ),
    Column::number("task_ns", "Time that tasks spent in loads, added up", |report, ()| {
        sum(report, |account| account.task_ns)
    }),
    Column::number(
        "waited_ns",
        "Time of those that tasks waited for another task's load",
        |report, ()| sum(report, |account| account.waited_ns),
    ),
    Column::number("loads", "Calls of `init_module` and `finit_module`", |report, ()| {
        sum(report, |account| account.loads)
    }),
    Column::number("loaded", "Loads that went ahead and succeeded", |report, ()| {
        sum(report, |account| account.loaded)
    }),
    Column::number(
        "already_there",
        "Loads whose module was there in the end by another task's load",
        |report, ()| sum(report, |account| account.already_there),
    ),
    Column::number("failed", "Loads that failed otherwise", |report, ()| {
        sum(report, |account| account.failed)
    }),
    Column::number(
        "unfinished",
        "Loads that had not returned at the end, or whose return was not seen",
        |report, ()| sum(report, |account| account.unfinished),
    ),
    Column::number("unloads", "Calls of `delete_module`", |report, ()| {
        sum(report, |account| account.unloads)
    }),
    Column::number(
        "requests",
        "Requests of the kernel for a module; null where nobody watched",
        |report, ()| {
            report
                .requested
                .as_ref()
                .and_then(|_| sum(report, |account| account.requests))
        },
    ),
    Column::number(
        "failed_requests",
        "Those that failed; null where nobody watched",
        |report, ()| {
            report
                .requested
                .as_ref()
                .and_then(|_| sum(report, |account| account.failed_requests))
        },
    ),
    Column::number(
        "drilled",
        "Functions of modules that were traced as well, which costs time in init functions",
        |report, ()| head(report).map(|head| head.drilled as u64),
    ),
    Column::number("lost", "Records lost between the kernel and the file", |report, ()| {
        report.quality.lost
    }),
    Column::number("missed", "Probe hits that the kernel skipped", |report, ()| {
        report.quality.missed
    }),
    Column::number(
        "clipped",
        "Attempts without inner records, because a map was full",
        |report, ()| report.quality.clipped,
    ),
    Column::number(
        "refused",
        "Calls without the capability that were only counted",
        |report, ()| {
            let calls = report.quality.refused.iter().map(|refused| refused.calls);
            Some(calls.fold(0, u64::saturating_add))
        },
    ),
    Column::texts("unobserved", "What nobody watched, and why", |report, ()| {
        Some(words(&report.quality.unobserved))
    }),
    Column::text(
        "truncated",
        "Why the recording ends early; null where it is whole",
        |report, ()| text(report.quality.truncated.as_deref()),
    ),
];
