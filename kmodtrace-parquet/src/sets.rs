//! Reports in, rows out.

use std::io;

use kmodtrace_core::analysis::findings::Finding;
use kmodtrace_core::model::calendar;
use kmodtrace_core::report::{
    AttemptRow, ModuleRow, OriginRow, RecordingRow, Report, RequestRow, Rows, StateRow, WaitOfAttempt,
};

use crate::export::Export;
use crate::file::Table;
use crate::tables::{
    ATTEMPTS, FINDINGS, Failed, MODULES, ORIGINS, RECORDING_COLUMNS, RECORDINGS, REQUESTS, STATES, WAITS,
};

/// Rows that are made at once: as many are in memory for each thread that makes them.
const BATCH: usize = 1 << 10;

/// The tables of a set of recordings that began on the same day, a file each. Threads may add to them at the same time.
pub struct Tables {
    recordings: Table<Report>,
    attempts: Table<AttemptRow>,
    waits: Table<AttemptRow, WaitOfAttempt>,
    requests: Table<RequestRow>,
    origins: Table<Failed, OriginRow>,
    findings: Table<Finding>,
    modules: Table<ModuleRow>,
    states: Table<StateRow>,
}

impl Tables {
    /// New files of this export. A table without rows has a file all the same, so that engines find its columns.
    pub fn begin(export: &Export, day: &str) -> io::Result<Self> {
        Ok(Self {
            recordings: Table::begin(export, RECORDINGS, RECORDING_COLUMNS, day)?,
            attempts: Table::begin(export, "attempts", ATTEMPTS, day)?,
            waits: Table::begin(export, "waits", WAITS, day)?,
            requests: Table::begin(export, "requests", REQUESTS, day)?,
            origins: Table::begin(export, "origins", ORIGINS, day)?,
            findings: Table::begin(export, "findings", FINDINGS, day)?,
            modules: Table::begin(export, "modules", &MODULES, day)?,
            states: Table::begin(export, "states", STATES, day)?,
        })
    }

    /// Adds a recording, with its attempts.
    pub fn add(&self, report: &Report) -> io::Result<()> {
        let id = &id(report.recording.as_ref());
        let calls = report.attempts.iter().chain(&report.unloads).flat_map(Rows::iter);
        batches(calls, |rows: &[AttemptRow]| {
            self.attempts.add(id, alone(rows))?;
            let waits = rows
                .iter()
                .flat_map(|row| row.waits.iter().map(move |wait| (row, wait)));
            self.waits.add(id, waits)?;
            let failed = rows
                .iter()
                .filter_map(|row| Some((Failed::attempt(row), row.origin.as_ref()?)));
            self.failed(id, failed)
        })?;
        let requests = report.requests.iter().flat_map(Rows::iter);
        batches(requests, |rows: &[RequestRow]| {
            self.requests.add(id, alone(rows))?;
            let failed = rows
                .iter()
                .filter_map(|row| Some((Failed::request(row), row.origin.as_ref()?)));
            self.failed(id, failed)
        })?;
        let states = report.states.iter().flat_map(Rows::iter);
        batches(states, |rows: &[StateRow]| self.states.add(id, alone(rows)))?;
        self.findings.add(id, alone(&report.findings))?;
        self.modules.add(id, alone(&report.modules))?;
        self.recordings.add(id, alone(std::slice::from_ref(report)))
    }

    /// Writes what waits in memory, and brings all to the disk.
    pub fn finish(self) -> io::Result<()> {
        self.recordings.finish()?;
        self.attempts.finish()?;
        self.waits.finish()?;
        self.requests.finish()?;
        self.origins.finish()?;
        self.findings.finish()?;
        self.modules.finish()?;
        self.states.finish()
    }

    fn failed<'r>(&self, id: &str, failed: impl Iterator<Item = (Failed, &'r OriginRow)>) -> io::Result<()> {
        let failed: Vec<_> = failed.collect();
        self.origins
            .add(id, failed.iter().map(|(failed, origin)| (failed, *origin)))
    }
}

/// Rows with nothing to make columns of besides.
fn alone<A>(rows: &[A]) -> impl Iterator<Item = (&A, &())> {
    rows.iter().map(|row| (row, &()))
}

/// Hands over rows, some at a time.
fn batches<T>(mut rows: impl Iterator<Item = T>, mut take: impl FnMut(&[T]) -> io::Result<()>) -> io::Result<()> {
    loop {
        let batch: Vec<T> = rows.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(());
        }
        take(&batch)?;
    }
}

/// What tells a recording from all others: the machine, the boot and the beginning, as far as they are known.
fn id(recording: Option<&RecordingRow>) -> String {
    let Some(recording) = recording else {
        return String::new();
    };
    let known = [&recording.machine_id, &recording.boot_id].into_iter().flatten();
    let parts: Vec<&str> = known.map(String::as_str).collect();
    let began = recording.began_unix_ns.to_string();
    [&parts[..], &[&began]].concat().join("/")
}

/// The day of a time since 1970-01-01 00:00 UTC, as its partition has it: `2026-11-30`.
pub fn day(unix_ns: u64) -> String {
    let text = calendar(unix_ns / 1_000_000_000);
    text.split(' ').next().unwrap_or_default().to_owned()
}
