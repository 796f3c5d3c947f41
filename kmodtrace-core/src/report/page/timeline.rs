//! The line of time: a lane a task, on it loads with their stages and waits, below these the requests, and modules while they are GOING.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;

use super::choice::Choice;
use super::time::{Axis, Tick};
use crate::model::{Ktime, Stage, Zero};
use crate::picture::Percent;
use crate::report::Report;
use crate::report::viewers::{Rest, Slice, Task, Track, each};
use crate::text::{printable, span_text};

/// Bars at most, and lanes of each kind.
const BARS: usize = 20_000;
const LANES: usize = 300;

/// Pixels above the first lane, and of a lane of loads and of another.
const TOP: u32 = 28;
const LOADS: u32 = 28;
const OTHERS: u32 = 15;
/// Pixels of a letter, and of the whole picture on a screen that is not large.
const LETTER: f64 = 6.2;
const PICTURE: f64 = 1_000.0;
/// How much wider the picture can be drawn. Words are there from the first of these on that has room for them.
const ZOOMS: [u32; 4] = [1, 4, 16, 64];

/// A picture, in pixels from the top and in shares of its width.
#[derive(Template)]
#[template(path = "timeline.svg", escape = "html")]
pub(super) struct Timeline {
    pub(super) lanes: Vec<Lane>,
    pub(super) height: u32,
    bars: Vec<Bar>,
    ticks: Vec<Tick>,
    marks: Vec<Mark>,
    arrows: Vec<Arrow>,
    /// What it does not show, in sentences.
    pub(super) left_out: Vec<String>,
}

/// A lane's place and name.
pub(super) struct Lane {
    pub(super) top: u32,
    pub(super) height: u32,
    pub(super) name: String,
}

/// Something that takes time.
struct Bar {
    class: String,
    x: Percent,
    width: Percent,
    /// How long it takes, in nanoseconds; empty where it lasts at the end.
    nanos: String,
    y: u32,
    height: u32,
    /// What it is, in words.
    title: String,
    word: Option<Word>,
    /// The row of a table that has all of it.
    row: Option<String>,
}

/// A word on a bar, from this zoom on.
struct Word {
    text: String,
    zoom: u32,
}

/// Something that happened at an instant.
struct Mark {
    x: Percent,
    title: String,
    /// For what the boot passed.
    word: &'static str,
}

/// From who waits to whom.
struct Arrow {
    x: Percent,
    from: u32,
    to: u32,
}

/// What shares a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Task(Task),
    Requests(Task),
    Module(u32),
}

/// From its first instant to its last, and its name.
struct Extent {
    from: u64,
    to: u64,
    name: String,
}

impl Holder {
    fn of(track: &Track) -> Self {
        match track {
            Track::Task(task) | Track::Waits(task) => Self::Task(*task),
            Track::Requests(task) => Self::Requests(*task),
            Track::Module { number, .. } => Self::Module(*number),
        }
    }

    /// The kind of its lane.
    const fn group(self) -> usize {
        match self {
            Self::Task(_) => 0,
            Self::Requests(_) => 1,
            Self::Module(_) => 2,
        }
    }
}

/// What the slices of a report come to.
struct Taken {
    /// With the name of the load that a stage or a wait is part of.
    slices: Vec<(Slice, Option<Arc<str>>)>,
    load: Option<Arc<str>>,
    extents: BTreeMap<Holder, Extent>,
    /// Those that are too short to be drawn, and those that are too many.
    short: usize,
    more: usize,
}

impl Taken {
    fn take(&mut self, slice: Slice, axis: Axis) {
        let is_part = matches!(slice.kind, "stage" | "wait");
        if !is_part {
            self.load = Some(Arc::from(slice.name.as_str()));
        }
        if matches!(slice.track, Track::Module { .. }) && slice.name != "GOING" {
            return;
        }
        let end = slice
            .duration_ns
            .map_or(axis.end(), |long| slice.start_ns.saturating_add(long));
        if is_part && end.saturating_sub(slice.start_ns) < axis.grain() {
            self.short += 1;
            return;
        }
        if self.slices.len() >= BARS {
            self.more += 1;
            return;
        }
        let name = match &slice.track {
            Track::Module { name, .. } => name.clone(),
            Track::Task(task) | Track::Waits(task) | Track::Requests(task) => format!("{} {}", task.tid, slice.comm),
        };
        let extent = self.extents.entry(Holder::of(&slice.track)).or_insert(Extent {
            from: slice.start_ns,
            to: end,
            name,
        });
        extent.from = extent.from.min(slice.start_ns);
        extent.to = extent.to.max(end);
        let load = self.load.clone().filter(|_| is_part);
        self.slices.push((slice, load));
    }
}

impl Timeline {
    /// Of what a report has within this window.
    pub(super) fn new(report: &Report, window: (u64, u64), zero: Zero) -> Self {
        let axis = Axis::new(window);
        let mut taken = Taken {
            slices: Vec::new(),
            load: None,
            extents: BTreeMap::new(),
            short: 0,
            more: 0,
        };
        let rest = each(report, |slice| {
            taken.take(slice, axis);
            Ok::<_, std::convert::Infallible>(())
        });
        let Ok(Rest { targets, .. }) = rest;
        let (lanes, places, crowded) = lanes(&taken.extents);
        let height = lanes.last().map_or(TOP, |lane| lane.top + lane.height) + 4;
        let place = |holder: Holder| places.get(&holder).and_then(|lane| lanes.get(*lane));
        let mut waits = BTreeMap::new();
        let mut bars = Vec::new();
        for (slice, load) in &taken.slices {
            let Some(lane) = place(Holder::of(&slice.track)) else {
                continue;
            };
            if let Some(arrow) = slice.arrow {
                waits.insert(arrow, (slice.start_ns, lane.top));
            }
            bars.push(bar(slice, load.as_deref(), lane, axis, zero));
        }
        let arrows = targets.iter().filter_map(|target| {
            let (at, from) = *waits.get(&target.arrow)?;
            let to = place(Holder::Task(target.task))?.top;
            // From the bar of the wait to the edge of the other's load that is nearer.
            Some(Arrow {
                x: axis.place(at),
                from: from + 25,
                to: if to > from { to + 1 } else { to + 23 },
            })
        });
        let arrows = arrows.collect();
        Self {
            height,
            bars,
            ticks: axis.ticks(zero),
            marks: marks(report, axis, window, zero),
            arrows,
            left_out: left_out(&taken, crowded, axis),
            lanes,
        }
    }
}

impl Timeline {
    /// Without a page around it: nothing leads to its tables, and what it leaves out of them is told here.
    pub(super) fn alone(mut self, choice: &Choice) -> Self {
        self.bars.iter_mut().for_each(|bar| bar.row = None);
        let left_out = [
            choice.loads.left_out("loads"),
            choice.unloads.left_out("unloads"),
            choice.requests.left_out("requests"),
        ];
        self.left_out.extend(left_out.into_iter().flatten());
        self
    }
}

/// Each holder has a lane, which others have before and behind it. Also how many found none.
fn lanes(extents: &BTreeMap<Holder, Extent>) -> (Vec<Lane>, BTreeMap<Holder, usize>, usize) {
    let mut order: Vec<(&Holder, &Extent)> = extents.iter().collect();
    order.sort_by_key(|(holder, extent)| (holder.group(), extent.from));
    // Until when a lane is taken, of which kind it is, how many share it, and the name of the first.
    let mut taken: Vec<(u64, usize, usize, &str)> = Vec::new();
    let (mut places, mut crowded) = (BTreeMap::new(), 0);
    for (holder, extent) in order {
        let group = holder.group();
        let free = |(to, of, ..): &(u64, usize, usize, &str)| *of == group && *to <= extent.from;
        let lane = if let Some(lane) = taken.iter().position(free) {
            lane
        } else if taken.iter().filter(|(_, of, ..)| *of == group).count() < LANES {
            taken.push((0, group, 0, &extent.name));
            taken.len() - 1
        } else {
            crowded += 1;
            continue;
        };
        if let Some((to, _, shared, _)) = taken.get_mut(lane) {
            (*to, *shared) = (extent.to, *shared + 1);
        }
        places.insert(*holder, lane);
    }
    let mut top = TOP;
    let lanes = taken.iter().map(|(_, group, shared, name)| {
        let height = if *group == 0 { LOADS } else { OTHERS };
        let what = ["", "requests: ", "GOING: "].get(*group).copied().unwrap_or_default();
        let more = match shared {
            0 | 1 => String::new(),
            more => format!(" + {}", more - 1),
        };
        let lane = Lane {
            top,
            height,
            name: format!("{what}{}{more}", printable(name)),
        };
        top += height;
        lane
    });
    (lanes.collect(), places, crowded)
}

fn bar(slice: &Slice, load: Option<&str>, lane: &Lane, axis: Axis, zero: Zero) -> Bar {
    let note = |name| {
        let found = slice.notes.iter().find(|(known, _)| *known == name);
        found.map(|(_, note)| note.as_str())
    };
    let end = slice
        .duration_ns
        .map_or(axis.end(), |long| slice.start_ns.saturating_add(long));
    let (x, right) = (axis.place(slice.start_ns), axis.place(end));
    let width = Percent((right.0 - x.0).max(axis.share(axis.grain()).0));
    let outcome = note("outcome");
    let standing = match (slice.duration_ns, outcome) {
        (None, _) => "open",
        (Some(_), Some("OK")) => "ok",
        (Some(_), None) => "",
        (Some(_), Some(_)) => "failed",
    };
    let (class, from_top, height, word) = match slice.kind {
        "stage" => {
            let stage = Stage::OF_LOADS.into_iter().find(|stage| stage.name() == slice.name);
            let letter = stage.map(|stage| stage.letter().to_string());
            (format!("stage {}", slice.name), 12, 10, letter)
        }
        "wait" => ("wait".to_owned(), 23, 4, None),
        "state" => ("going".to_owned(), 2, 11, Some(slice_name(slice).to_owned())),
        "request" => (format!("request {standing}"), 2, 11, Some(slice.name.clone())),
        kind => {
            let errno = outcome.filter(|outcome| *outcome != "OK");
            let word = errno.map_or_else(|| slice.name.clone(), |errno| format!("{} {errno}", slice.name));
            (format!("{kind} {standing}"), 1, 22, Some(word))
        }
    };
    Bar {
        class,
        x,
        width,
        nanos: slice.duration_ns.map_or_else(String::new, |long| long.to_string()),
        y: lane.top + from_top,
        height,
        title: title(slice, load, zero),
        word: word.and_then(|text| Word::on(&text, width)),
        row: match slice.kind {
            "load" | "unload" => note("id").map(|id| format!("a{id}")),
            "request" => note("id").map(|id| format!("r{id}")),
            _ => None,
        },
    }
}

/// Of a state that is the module; the kind says which state it is.
fn slice_name(slice: &Slice) -> &str {
    match &slice.track {
        Track::Module { name, .. } => name,
        _ => &slice.name,
    }
}

/// `load xfs: 25.8 ms from 9.571 s on; outcome OK; ...`
fn title(slice: &Slice, load: Option<&str>, zero: Zero) -> String {
    let long = slice
        .duration_ns
        .map_or_else(|| "lasts at the end".to_owned(), span_text);
    let from = zero.text(Ktime(slice.start_ns));
    let kind = if slice.kind == "state" { "GOING" } else { slice.kind };
    let notes = slice.notes.iter().filter(|(name, _)| *name != "id");
    let notes: Vec<String> = notes.map(|(name, note)| format!("; {name} {note}")).collect();
    let of = load.map_or_else(String::new, |load| format!(" of {load}"));
    let text = format!(
        "{kind} {}{of}: {long} from {from} on{}",
        slice_name(slice),
        notes.concat()
    );
    printable(&text).into_owned()
}

impl Word {
    /// None where even the widest picture has no room for it.
    fn on(text: &str, width: Percent) -> Option<Self> {
        let needed = text.chars().map(|_| LETTER).sum::<f64>() + 2.0;
        let room = width.0 / 100.0 * PICTURE;
        let zoom = ZOOMS.into_iter().find(|zoom| room * f64::from(*zoom) >= needed)?;
        let text = printable(text).into_owned();
        Some(Self { text, zoom })
    }
}

/// Where phases of a boot begin, and what it passed.
fn marks(report: &Report, axis: Axis, (from, to): (u64, u64), zero: Zero) -> Vec<Mark> {
    let mark = |time: u64, what: &str, word| {
        (from..=to).contains(&time).then(|| Mark {
            x: axis.place(time),
            title: format!("{what} from {} on", zero.text(Ktime(time))),
            word,
        })
    };
    let phases = report.account.iter().flat_map(|account| &account.phases);
    let phases = phases.filter_map(|row| mark(row.first_ns?, row.phase.text(), ""));
    let passed = report.recording.iter().flat_map(|recording| &recording.marks);
    let passed = passed.filter_map(|passed| {
        let word = passed.milestone.name();
        mark(passed.time_ns.0, word, word)
    });
    phases.chain(passed).collect()
}

fn left_out(taken: &Taken, crowded: usize, axis: Axis) -> Vec<String> {
    let short = (taken.short > 0).then(|| {
        let grain = span_text(axis.grain());
        format!("Stages and waits shorter than {grain} are not drawn: {}.", taken.short)
    });
    let more = (taken.more > 0).then(|| format!("Beyond the first {BARS} bars others are not drawn: {}.", taken.more));
    let crowded = (crowded > 0)
        .then(|| format!("Tasks and modules for which there is no lane beside {LANES} others: {crowded}."));
    [short, more, crowded].into_iter().flatten().collect()
}
