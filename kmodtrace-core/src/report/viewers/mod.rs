//! The report as a picture of time, for programs that show such: what there is to show, in no viewer's own words, and a file for each format.

mod chrome;
mod perfetto;

use std::collections::BTreeMap;

pub use chrome::write_chrome;
pub use perfetto::write_perfetto;

use super::csv::word;
use super::{AttemptRow, OriginRow, Quality, Report, RequestRow, Rows, StateRow, WaitOfAttempt};
use crate::model::ModuleState;

/// A task by its thread group and itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Task {
    pub(super) tgid: u32,
    pub(super) tid: u32,
}

/// A line on which slices lie inside or behind one another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Track {
    /// What a task does: its loads and unloads, and their stages.
    Task(Task),
    /// What it waits for meanwhile: that may begin in one stage and end in another.
    Waits(Task),
    /// What it requests.
    Requests(Task),
    /// The states of a module, but for LIVE; modules are numbered.
    Module { number: u32, name: String },
}

/// A stretch of time.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) track: Track,
    /// Name of the task that it is about; empty where it is of none, or that was not seen.
    pub(super) comm: String,
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    pub(super) start_ns: u64,
    /// None where it lasted at the end, or that was not seen.
    pub(super) duration_ns: Option<u64>,
    /// What else there is to say.
    pub(super) notes: Vec<(&'static str, String)>,
    /// Of a wait for somebody who was seen, the number of the arrow that leads there.
    pub(super) arrow: Option<u64>,
}

/// Where an arrow ends: at what a task is about.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) arrow: u64,
    pub(super) time_ns: u64,
    pub(super) task: Task,
}

/// Something whose number changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Loads that have not returned.
    Loads,
    /// Tasks inside loads that wait for somebody.
    Waiting,
    /// Requests that hold one of the kernel's slots.
    Slots,
}

impl Level {
    const ALL: [Self; 3] = [Self::Loads, Self::Waiting, Self::Slots];

    const fn name(self) -> &'static str {
        match self {
            Self::Loads => "loads in flight",
            Self::Waiting => "waiting",
            Self::Slots => "slots used",
        }
    }
}

/// When a level changed, and by how much or to what.
pub(super) type Change = (u64, Level, i64);

/// What is known when all slices are.
#[derive(Debug)]
pub(super) struct Rest {
    /// What levels came to, in the order of time.
    pub(super) levels: Vec<Change>,
    pub(super) targets: Vec<Target>,
}

/// Goes through all slices; what lies inside another one comes behind it.
pub(super) fn each<E>(report: &Report, mut take: impl FnMut(Slice) -> Result<(), E>) -> Result<Rest, E> {
    let mut changes = Vec::new();
    let mut arrows = Arrows::default();
    let mut change = |level, start: Option<u64>, duration: Option<u64>| {
        if let Some(start) = start {
            changes.push((start, level, 1));
            changes.extend(duration.map(|duration| (start.saturating_add(duration), level, -1)));
        }
    };
    for row in report.attempts.iter().flat_map(Rows::iter) {
        change(Level::Loads, row.start_ns, row.duration_ns);
        for wait in &row.waits {
            change(Level::Waiting, Some(wait.start_ns), wait.duration_ns);
        }
        of_attempt(&row, "load", "", &mut arrows, &mut take)?;
    }
    for row in report.unloads.iter().flat_map(Rows::iter) {
        of_attempt(&row, "unload", "unload ", &mut arrows, &mut take)?;
    }
    for row in report.requests.iter().flat_map(Rows::iter) {
        let held = row
            .end_ns
            .zip(row.granted_ns)
            .map(|(end, granted)| end.saturating_sub(granted));
        change(Level::Slots, row.granted_ns, held);
        of_request(row).map_or(Ok(()), &mut take)?;
    }
    let mut modules: BTreeMap<String, u32> = BTreeMap::new();
    // A module that is LIVE is so for as long as it likes, and keeps nobody waiting.
    let states = report.states.iter().flat_map(Rows::iter);
    for row in states.filter(|row| row.state != ModuleState::Live) {
        let next = u32::try_from(modules.len()).unwrap_or(u32::MAX);
        let number = *modules.entry(row.module.clone()).or_insert(next);
        take(of_state(row, number))?;
    }
    changes.sort_unstable();
    let mut levels: BTreeMap<Level, i64> = BTreeMap::new();
    for (_, level, change) in &mut changes {
        let now = levels.entry(*level).or_default();
        *now = now.saturating_add(*change);
        *change = *now;
    }
    Ok(Rest {
        levels: changes,
        targets: arrows.targets(),
    })
}

/// Arrows from who waits to whom. Of a wait only the attempt that it is for is known, whose row may come before or behind it.
#[derive(Debug, Default)]
struct Arrows {
    /// Thread groups by the numbers of attempts, which count from 1.
    tgids: Vec<u32>,
    /// When each begins, and the attempt and the task at which it ends.
    ends: Vec<(u64, u64, u32)>,
}

impl Arrows {
    fn attempt(&mut self, row: &AttemptRow) {
        if let Ok(id) = usize::try_from(row.id) {
            self.tgids.resize(self.tgids.len().max(id + 1), 0);
            self.tgids[id] = row.tgid;
        }
    }

    fn begin(&mut self, wait: &WaitOfAttempt) -> Option<u64> {
        self.ends.push((wait.start_ns, wait.on_id?, wait.on_tid?));
        Some(self.ends.len() as u64)
    }

    /// An attempt that has no row takes its arrows along.
    fn targets(self) -> Vec<Target> {
        let ends = (1..).zip(&self.ends);
        let targets = ends.filter_map(|(arrow, &(time_ns, id, tid))| {
            let tgid = *self.tgids.get(usize::try_from(id).ok()?)?;
            (tgid > 0).then_some(Target {
                arrow,
                time_ns,
                task: Task { tgid, tid },
            })
        });
        targets.collect()
    }
}

/// An attempt whose entry was not seen has no place in time; [`missing`] counts it.
fn of_attempt<E>(
    row: &AttemptRow,
    kind: &'static str,
    what: &str,
    arrows: &mut Arrows,
    take: &mut impl FnMut(Slice) -> Result<(), E>,
) -> Result<(), E> {
    let Some(start_ns) = row.start_ns else {
        return Ok(());
    };
    arrows.attempt(row);
    let slice = |track, kind, name, start_ns, duration_ns, notes| Slice {
        track,
        comm: row.comm.clone(),
        kind,
        name,
        start_ns,
        duration_ns,
        notes,
        arrow: None,
    };
    let task = Task {
        tgid: row.tgid,
        tid: row.tid,
    };
    let track = Track::Task(task);
    let notes = [
        ("id", Some(row.id.to_string())),
        ("outcome", row.errno_name.clone()),
        ("role", word(row.role)),
        ("found", word(row.collided_with)),
        ("leader", row.leader_id.map(|id| id.to_string())),
        ("origin", row.origin.as_ref().map(OriginRow::words)),
        ("path", row.path.clone()),
        ("args", row.args.clone()),
        ("device", row.device.as_ref().map(|device| device.path.clone())),
    ];
    let notes = notes
        .into_iter()
        .filter_map(|(name, note)| Some((name, note?)))
        .collect();
    let module = row.module.as_deref().unwrap_or("(unknown)");
    take(slice(
        track.clone(),
        kind,
        format!("{what}{module}"),
        start_ns,
        row.duration_ns,
        notes,
    ))?;
    for stage in &row.stages {
        let name = word(Some(stage.stage)).unwrap_or_default();
        let place = vec![("in", stage.name.clone())];
        take(slice(
            track.clone(),
            "stage",
            name,
            stage.start_ns,
            Some(stage.duration_ns),
            place,
        ))?;
    }
    for wait in &row.waits {
        let waits = slice(
            Track::Waits(task),
            "wait",
            wait_name(wait),
            wait.start_ns,
            wait.duration_ns,
            Vec::new(),
        );
        take(Slice {
            arrow: arrows.begin(wait),
            ..waits
        })?;
    }
    Ok(())
}

fn wait_name(wait: &WaitOfAttempt) -> String {
    let kind = wait.kind.name();
    match (&wait.module, wait.on_tid) {
        (Some(module), _) => format!("{kind}: {module}"),
        (None, Some(tid)) => format!("{kind}: task {tid}"),
        (None, None) => kind.to_owned(),
    }
}

fn of_request(row: RequestRow) -> Option<Slice> {
    let notes = [
        ("id", Some(row.id.to_string())),
        ("outcome", row.outcome),
        ("asked by", row.call_site),
        ("work", row.work),
    ];
    Some(Slice {
        track: Track::Requests(Task {
            tgid: row.tgid,
            tid: row.tid,
        }),
        comm: row.comm,
        kind: "request",
        name: row.name,
        start_ns: row.start_ns?,
        duration_ns: row.duration_ns,
        notes: notes
            .into_iter()
            .filter_map(|(name, note)| Some((name, note?)))
            .collect(),
        arrow: None,
    })
}

fn of_state(row: StateRow, number: u32) -> Slice {
    Slice {
        track: Track::Module {
            number,
            name: row.module,
        },
        comm: String::new(),
        kind: "state",
        name: word(Some(row.state)).unwrap_or_default(),
        start_ns: row.start_ns,
        duration_ns: row.duration_ns,
        notes: Vec::new(),
        arrow: None,
    }
}

/// What the picture does not show.
fn missing(quality: &Quality) -> String {
    let count = |number: Option<u64>| number.map_or_else(|| "n/o".to_owned(), |number| number.to_string());
    format!(
        "lost {}, missed {}, clipped {}, entries not seen {}",
        count(quality.lost),
        count(quality.missed),
        count(quality.clipped),
        quality.began_before
    )
}
