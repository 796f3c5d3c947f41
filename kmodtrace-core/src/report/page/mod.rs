//! The report as a page: one file, nothing fetched, everything there without its script.

mod bars;
mod chains;
mod choice;
mod time;
mod timeline;

use std::collections::BTreeSet;
use std::io::{self, Write};

use askama::Template;
use bars::{Distribution, StageBar};
use chains::Chain;
use choice::Choice;
use timeline::Timeline;

use super::requests_text::requests;
use super::section::{Line, Section};
use super::text::{Table, attempts, tables};
use super::{Report, Rows, TextLayout, answer, head};
use crate::analysis::findings::Finding;
use crate::analysis::graph::picture;
use crate::picture::{Flame, Layers, Stacks};
use crate::text::Grid;

/// Columns that the command may take in the head: as many as there are.
const COLUMNS: usize = 4_096;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'r> {
    head: Vec<String>,
    answer: Vec<Section>,
    timeline: Option<Timeline>,
    stages: Vec<StageBar>,
    distributions: Vec<Distribution>,
    more_distributions: usize,
    waits: Option<Layers>,
    tables: Vec<Table>,
    chains: Vec<Chain>,
    more_chains: usize,
    probes: Grid,
    findings: &'r [Finding],
    unobserved: &'r [String],
    /// Each load, unload and request that there is room for.
    calls: Vec<Calls>,
    loads: BTreeSet<u64>,
    requests: BTreeSet<u64>,
}

/// A table of calls, each of which can be linked to.
struct Calls {
    title: &'static str,
    /// What the ids of its rows begin with.
    prefix: &'static str,
    grid: Grid,
    left_out: Option<String>,
}

/// The line of time by itself.
#[derive(Template)]
#[template(path = "timeline_alone.svg", escape = "html")]
struct Alone {
    timeline: Timeline,
}

/// Draws the line of time of a report that has attempts as SVG.
pub fn write_svg(report: &Report, layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    let choice = Choice::new(report);
    // Where nothing has a place in time the picture is empty.
    let window = choice.window.unwrap_or_default();
    let alone = Alone {
        timeline: Timeline::new(&choice.of(report), window, layout.zero).alone(&choice),
    };
    alone.write_into(out).map_err(io::Error::other)
}

/// Draws the time of all loads by task, module and stage as a flame graph.
pub fn write_flamegraph(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut stacks = Stacks::default();
    for row in report.attempts.iter().flat_map(Rows::iter) {
        let module = row.module.as_deref().unwrap_or("(unknown)");
        for stage in &row.stages {
            let stack = [&row.comm, module, stage.stage.name()].map(str::to_owned);
            stacks.add(stack.into(), stage.duration_ns);
        }
    }
    let flame = Flame::new("Time that tasks spent in loads", &stacks);
    flame.write_into(out).map_err(io::Error::other)
}

/// How each probe was attached, or why it was not.
fn probes(report: &Report) -> Grid {
    let mut grid = Grid::new(&["<PROBE", "<STATUS", "<HOW"]);
    for probe in report.recording.iter().flat_map(|recording| &recording.probes) {
        grid.row(vec![probe.id.clone(), probe.status.clone(), probe.how.clone()]);
    }
    grid
}

/// Nothing where nobody waited.
fn waits(report: &Report) -> Option<Layers> {
    let graph = report.waits.as_ref().filter(|graph| !graph.edges.is_empty());
    graph.map(picture)
}

/// Writes the page of a report that has attempts.
pub fn write_html(report: &Report, layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    let choice = Choice::new(report);
    let shown = choice.of(report);
    let zero = layout.zero;
    let (distributions, more_distributions) = bars::distributions_of(report);
    let (chains, more_chains) = chains::chains(&shown);
    let of_attempts = |rows: &Option<Rows<_>>| attempts(&mut rows.iter().flat_map(Rows::iter), zero);
    let of_requests = requests(&mut shown.requests.iter().flat_map(Rows::iter), zero);
    let calls = [
        (
            "Loads",
            "a",
            of_attempts(&shown.attempts),
            choice.loads.left_out("loads"),
        ),
        (
            "Unloads",
            "a",
            of_attempts(&shown.unloads),
            choice.unloads.left_out("unloads"),
        ),
        ("Requests", "r", of_requests, choice.requests.left_out("requests")),
    ];
    let calls = calls.into_iter().map(|(title, prefix, grid, left_out)| Calls {
        title,
        prefix,
        grid,
        left_out,
    });
    let page = Page {
        head: head::lines(report, COLUMNS),
        answer: answer::sections(report, zero),
        timeline: choice.window.map(|window| Timeline::new(&shown, window, zero)),
        stages: bars::stages(report),
        distributions,
        more_distributions,
        waits: waits(report),
        tables: tables(report),
        chains,
        more_chains,
        probes: probes(report),
        findings: &report.findings,
        unobserved: &report.quality.unobserved,
        calls: calls.filter(|calls| !calls.grid.is_empty()).collect(),
        loads: choice.loads.ids().union(&choice.unloads.ids()).copied().collect(),
        requests: choice.requests.ids(),
    };
    page.write_into(out).map_err(io::Error::other)
}
