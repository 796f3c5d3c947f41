//! The head of a report: when, where, what was run, what is missing, and the totals.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{KernelRow, Quality, Report, Source, TextLayout};
use crate::analysis::account::Account;
use crate::analysis::graph::unsearched_text;
use crate::model::{Ktime, WaitStatus, Zero, calendar};
use crate::recording::{BootMark, Header, Milestone};
use crate::text::{printable, span_text, write_wrapped};

/// How a recording was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Recording")]
pub struct RecordingRow {
    /// Nanoseconds since 1970-01-01 00:00 UTC when it began.
    pub began_unix_ns: u64,
    /// The same instant on `CLOCK_MONOTONIC`, which all times of the report are of.
    pub began_ns: u64,
    /// The version of the kmodtrace that made it.
    pub tool: String,
    /// The machine's id, hashed for kmodtrace; null where it was not recorded.
    pub machine_id: Option<String>,
    /// The machine's name; null where that was not asked for.
    pub host: Option<String>,
    /// What whoever recorded it says of the machine or the recording.
    pub tags: BTreeMap<String, String>,
    /// The boot's id; null where it was not recorded.
    pub boot_id: Option<String>,
    /// Possible CPUs.
    pub cpus: u32,
    /// The command that was run under the tracer; null when there was none.
    pub command: Option<Vec<String>>,
    /// Its exit status, or 128 and the signal that killed it; null when it had not ended, and where the recording does not tell.
    #[schemars(with = "Option<i64>")]
    pub command_status: Option<WaitStatus>,
    /// Functions of modules that were traced as well: what that costs is part of the times of notifiers and init functions.
    pub drilled: usize,
    /// What became of each probe, for pages; `check` has it for programs.
    #[serde(skip)]
    pub(super) probes: Vec<ProbeRow>,
    /// What the boot passed, for pictures.
    #[serde(skip)]
    pub(super) marks: Vec<BootMark>,
}

/// Something that was worked out of a recording, beside what that is of.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OfRecording<T> {
    /// It.
    #[serde(flatten)]
    pub what: T,
    /// Where the events come from.
    pub kernel: KernelRow,
    /// How they were recorded; null when they do not come from a recording.
    pub recording: Option<RecordingRow>,
}

impl<T> OfRecording<T> {
    /// This of that source.
    pub fn new(what: T, source: &Source) -> Self {
        Self {
            what,
            kernel: source.kernel.clone(),
            recording: source.recording.clone(),
        }
    }
}

/// A probe of a recording, as its plan has it, which another version may have written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ProbeRow {
    pub(super) id: String,
    pub(super) status: String,
    /// What was attached to what, or why nothing was.
    pub(super) how: String,
}

impl ProbeRow {
    fn new(probe: &Value) -> Self {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let all = |key: &str| probe.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let attached = all("attach").iter();
        let attached = attached.map(|one| format!("{} {}", text(one, "mechanism"), text(one, "target")));
        let mut how: Vec<String> = attached.collect();
        if how.is_empty() {
            how.extend(all("refused").iter().map(|one| text(one, "reason")));
            how.dedup();
        }
        let besides = [
            ("absent", ""),
            ("lost", "lost: "),
            ("replaced_by", "the same is seen by "),
        ];
        let besides = besides.map(|(key, what)| (what, text(probe, key)));
        let besides = besides.iter().filter(|(_, words)| !words.is_empty());
        how.extend(besides.map(|(what, words)| format!("{what}{words}")));
        Self {
            id: text(probe, "id"),
            status: text(probe, "status"),
            how: how.join("; "),
        }
    }
}

impl RecordingRow {
    /// When its boot passed this, in nanoseconds of `CLOCK_MONOTONIC`; none where that is not known, and of what was not recorded as a boot.
    pub fn passed_ns(&self, milestone: Milestone) -> Option<u64> {
        let mark = self.marks.iter().find(|mark| mark.milestone == milestone);
        mark.map(|mark| mark.time_ns.0)
    }

    /// What the boot passed, in the order of time; empty where it was not recorded as one.
    pub fn marks(&self) -> &[BootMark] {
        &self.marks
    }

    pub(super) fn new(header: &Header) -> Self {
        let probes = header.plan.get("probes").and_then(Value::as_array);
        let probes = probes.map_or(&[][..], Vec::as_slice);
        Self {
            began_unix_ns: header.clock.realtime_ns,
            began_ns: header.clock.monotonic_ns.0,
            tool: header.tool.clone(),
            machine_id: header.machine_id.clone(),
            host: header.host.clone(),
            tags: header.tags.clone(),
            boot_id: header.boot.as_ref().map(|boot| boot.id.clone()),
            cpus: header.cpus,
            command: header.command.clone(),
            command_status: None,
            drilled: header.functions.len(),
            probes: probes.iter().map(ProbeRow::new).collect(),
            marks: header.boot.iter().flat_map(|boot| &boot.marks).copied().collect(),
        }
    }
}

/// Its lines. That of the command is cut where it would be longer than these columns, because what ran may be a script.
pub(super) fn lines(report: &Report, columns: usize) -> Vec<String> {
    let release = report.kernel.release.as_deref().unwrap_or("of unknown release");
    let arch = report.kernel.arch.as_deref().unwrap_or_default();
    let kernel = format!("Linux {release} {arch}").trim_end().to_owned();
    let mut lines = Vec::new();
    match &report.recording {
        Some(recording) => {
            let many = if recording.cpus == 1 { "" } else { "s" };
            lines.push(format!("{kernel}, {} CPU{many}", recording.cpus));
            lines.extend(recorded(report, recording, columns));
        }
        None => lines.push(kernel),
    }
    lines.push(missing(&report.quality));
    lines.extend(report.quality.unsearched.map(unsearched_text));
    lines.extend(super::refused::refused_text(&report.quality.refused));
    if let Some(account) = &report.account {
        lines.extend([totals(account), times(account)]);
    }
    lines
}

/// When, what ran, and what else was traced.
fn recorded(report: &Report, recording: &RecordingRow, columns: usize) -> Vec<String> {
    let lasted = report
        .account
        .as_ref()
        .map_or_else(String::new, |account| format!(", for {}", span_text(account.lasted_ns)));
    let began = Zero::Boot.text(Ktime(recording.began_ns));
    let when = calendar(recording.began_unix_ns / 1_000_000_000);
    let boot = recording
        .boot_id
        .as_ref()
        .map_or_else(String::new, |id| format!("; boot {id}"));
    let mut lines = vec![format!("recorded {when} UTC, {began} after boot{lasted}{boot}")];
    let host = recording.host.iter().map(|host| format!("host {host}"));
    let tags = recording.tags.iter().map(|(name, value)| format!("{name}={value}"));
    let labels: Vec<String> = host.chain(tags).collect();
    if !labels.is_empty() {
        lines.push(printable(&format!("on {}", labels.join(", "))).into_owned());
    }
    if let Some(command) = &recording.command {
        let ended = recording.command_status;
        let ended = ended.map_or_else(String::new, |status| format!(" ({status})"));
        let command = printable(&format!("command: {}", command.join(" "))).into_owned();
        lines.push(format!("{}{ended}", cut(&command, columns.saturating_sub(ended.len()))));
    }
    if recording.drilled > 0 {
        let drilled = recording.drilled;
        lines.push(format!(
            "drill traced {drilled} functions: times in notifiers and init functions include its cost"
        ));
    }
    lines
}

pub(super) fn write(report: &Report, layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    let lines = lines(report, layout.columns);
    lines
        .iter()
        .try_for_each(|line| write_wrapped(line, "", "  ", layout.columns, out))
}

fn cut(text: &str, columns: usize) -> String {
    if text.len() <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(3)).collect();
    format!("{kept}...")
}

/// Whether all that was to be seen was seen.
fn missing(quality: &Quality) -> String {
    let counts = [
        (quality.lost, "lost"),
        (quality.missed, "missed"),
        (quality.clipped, "clipped"),
    ];
    let mut parts: Vec<String> = Vec::new();
    for (count, what) in counts {
        match count {
            Some(0) => {}
            Some(count) => parts.push(format!("{what} {count}")),
            None => parts.push(format!("{what} unknown")),
        }
    }
    let rare = [
        (quality.began_before, "entries not seen"),
        (quality.exit_not_seen, "exits not seen"),
        (quality.in_flight, "still in flight"),
    ];
    let all_there = parts.is_empty();
    parts.extend(
        rare.iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{what} {count}")),
    );
    if let Some(why) = &quality.truncated {
        parts.push(format!("the recording is cut: {why}"));
    }
    let unobserved = match quality.unobserved.len() {
        0 => "nothing unobserved".to_owned(),
        number => format!("not observed: {number}, listed at the end"),
    };
    let first = if all_there { "no data lost" } else { "DATA IS MISSING" };
    parts.insert(0, first.to_owned());
    format!("{}; {unobserved}", parts.join(", "))
}

/// How many loads, and what became of them.
fn totals(account: &Account) -> String {
    let outcomes = [
        (account.loaded, "loaded"),
        (account.already_there, "already there"),
        (account.failed, "failed"),
        (account.unfinished, "not returned"),
    ];
    let loads = list(account.loads, "load", &outcomes);
    let requests = list(account.requests, "request", &[(account.failed_requests, "failed")]);
    let unloads = list(account.unloads, "unload", &[]);
    let all = [loads, unloads, requests].into_iter().flatten();
    let all: Vec<String> = all.collect();
    if all.is_empty() {
        "no load, unload or request was seen".to_owned()
    } else {
        all.join("; ")
    }
}

/// `293 loads: 65 loaded, 18 failed`; none where there was none.
fn list(count: u64, what: &str, outcomes: &[(u64, &str)]) -> Option<String> {
    let many = if count == 1 { "" } else { "s" };
    let outcomes = outcomes.iter().filter(|(count, _)| *count > 0);
    let outcomes: Vec<String> = outcomes.map(|(count, what)| format!("{count} {what}")).collect();
    let behind = if outcomes.is_empty() {
        String::new()
    } else {
        format!(": {}", outcomes.join(", "))
    };
    (count > 0).then(|| format!("{count} {what}{many}{behind}"))
}

/// Time that passed, and time that tasks spent.
fn times(account: &Account) -> String {
    format!(
        "a load was in flight for {}; tasks spent {} in loads, {} of that waiting for another task's load",
        span_text(account.in_flight_ns),
        span_text(account.task_ns),
        span_text(account.waited_ns)
    )
}
