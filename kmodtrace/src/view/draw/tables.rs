//! The views that are lists: modules, what is in flight, requests, findings and their evidence, probes.

use kmodtrace_core::findings::Finding;
use kmodtrace_core::monitor::{Evidence, ModuleNow, NowRow, OwnerNow, Picture, ProbeLine, RequestNow, RequestsNow};
use kmodtrace_core::report::{printable, span_text};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::table::{Cell, Col, Table};
use super::{nothing, top, wrapped};
use crate::view::columns::{COLUMNS, NONE, NOT_OBSERVED, UNKNOWN};
use crate::view::layout::split;
use crate::view::rows;
use crate::view::state::State;
use crate::view::theme::Theme;

/// A row for each module.
pub(super) fn modules(frame: &mut Frame<'_>, area: Rect, state: &State, all: &[ModuleNow], theme: Theme) {
    let shown = rows::modules(state, all);
    if shown.is_empty() {
        let text = if all.is_empty() {
            "nothing was loaded or unloaded yet"
        } else {
            "no module matches the filter"
        };
        return nothing(frame, area, text, theme);
    }
    let signs = theme.signs();
    let cols = COLUMNS.iter().enumerate().map(|(at, column)| Col {
        title: if at == state.sort {
            format!("{}{}", column.title, signs.sorted[usize::from(state.reverse)])
        } else {
            column.title.to_owned()
        },
        // Room for the sign of sorting, so that nothing moves.
        width: column
            .width
            .max(u16::try_from(column.title.len() + 1).unwrap_or_default()),
        left: column.left,
    });
    let table = Table::new(cols.collect(), area.width);
    let keys: Vec<rows::Row> = shown
        .iter()
        .map(|module| rows::Row::Module(rows::Name(module.row.name.clone())))
        .collect();
    let cursor = state.cursor(&keys);
    let top = top(state, cursor, usize::from(area.height.saturating_sub(1)), shown.len());
    let cells = shown.iter().skip(top).map(|module| {
        let pinned = state.is_pinned(module);
        let cell = |(at, column): (usize, &crate::view::columns::Column)| -> Cell {
            let text = (column.text)(module, signs);
            match column.title {
                "MODULE" if pinned => (format!("*{text}"), theme.name()),
                "MODULE" => (text, theme.name()),
                "ERRORS" if module.row.failed() > 0 => (text, theme.bad()),
                "WAITING" if module.waiting > 0 => (text, theme.bad()),
                _ if at == state.sort => (text, theme.title()),
                _ => (text, Style::new()),
            }
        };
        COLUMNS.iter().enumerate().map(cell).collect()
    });
    table.draw(frame, area, cells, (top, cursor), theme);
}

/// Attempts in flight, and what the one under the cursor is about.
pub(super) fn now(frame: &mut Frame<'_>, area: Rect, state: &State, picture: &Picture, all: &[NowRow], theme: Theme) {
    let shown = rows::now(state, all);
    if shown.is_empty() {
        let text = if all.is_empty() {
            "nothing is being loaded or unloaded"
        } else {
            "nothing matches the filter"
        };
        return nothing(frame, area, text, theme);
    }
    let (list, below) = parts(area, state);
    let table = Table::new(
        vec![
            Col::left("MODULE", 16),
            Col::right("FOR", 6),
            Col::left("STAGE", 15),
            Col::left("WAITS", 18),
            Col::left("FOR", 34),
            Col::right("TID", 7),
            Col::left("COMM", 15),
        ],
        area.width,
    );
    let keys = rows::of(state, picture);
    let cursor = state.cursor(&keys);
    let top = top(state, cursor, usize::from(list.height.saturating_sub(1)), shown.len());
    let cells = shown.iter().skip(top).map(|row| {
        let stuck = row
            .wait
            .as_ref()
            .is_some_and(|wait| wait.lasted_ns >= state.stuck_after.0);
        let style = if stuck { theme.bad() } else { Style::new() };
        // The mark says without colour what the colour says.
        let mark = if stuck { "!" } else { "" };
        let wait = row.wait.as_ref();
        vec![
            (module(row.module.as_deref()), theme.name()),
            (time(row.lasted_ns), style),
            (
                row.stage.map_or(NOT_OBSERVED, |stage| stage.name()).to_owned(),
                Style::new(),
            ),
            (
                wait.map_or_else(
                    || NONE.to_owned(),
                    |wait| format!("{mark}{} {}", wait.kind.name(), span_text(wait.lasted_ns)),
                ),
                style,
            ),
            (
                wait.map_or_else(String::new, |wait| whom(wait.module.as_deref(), wait.on.as_ref())),
                Style::new(),
            ),
            (row.tid.to_string(), Style::new()),
            (comm(&row.comm), Style::new()),
        ]
    });
    table.draw(frame, list, cells, (top, cursor), theme);
    if let Some(row) = shown.get(cursor) {
        let what = if row.unloads { "unloads" } else { "loads" };
        let place = row
            .place
            .as_deref()
            .map_or_else(String::new, |place| format!(", {place}"));
        let wait = row.wait.as_ref().map_or_else(String::new, |wait| {
            format!(
                "; waits {} ({}) for {}",
                span_text(wait.lasted_ns),
                wait.kind.name(),
                whom(wait.module.as_deref(), wait.on.as_ref())
            )
        });
        let text = format!(
            "attempt {}: tid {} ({}) {what} {}{place}{wait}",
            row.id,
            row.tid,
            comm(&row.comm),
            module(row.module.as_deref()),
        );
        detail(frame, below, state, &[text], theme);
    }
}

/// `xfs by 212 modprobe, init`
fn whom(module: Option<&str>, on: Option<&OwnerNow>) -> String {
    let mut text = module.map_or_else(String::new, |name| printable(name).into_owned());
    if let Some(on) = on {
        let gap = if text.is_empty() { "" } else { " by " };
        let stage = on
            .stage
            .map_or_else(|| ", returned".to_owned(), |stage| format!(", {}", stage.name()));
        text = format!("{text}{gap}{} {}{stage}", on.tid, comm(&on.comm));
    }
    if text.is_empty() {
        "nobody known".to_owned()
    } else {
        text
    }
}

/// Slots, requests in flight and answered, and the chain of the one under the cursor.
pub(super) fn requests(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    picture: &Picture,
    all: Option<&RequestsNow>,
    theme: Theme,
) {
    let Some(all) = all else {
        return nothing(
            frame,
            area,
            "not observed: nobody watches requests on this kernel",
            theme,
        );
    };
    let shown = rows::requests(state, &all.rows);
    let (list, below) = parts(area, state);
    let (slots, chain) = (
        Rect {
            height: 1.min(below.height),
            ..below
        },
        lower(below),
    );
    if shown.is_empty() {
        nothing(frame, list, "the kernel requested no module", theme);
    } else {
        let keys = rows::of(state, picture);
        let cursor = state.cursor(&keys);
        let top = top(state, cursor, usize::from(list.height.saturating_sub(1)), shown.len());
        let table = Table::new(
            vec![
                Col::left("REQUEST", 16),
                Col::right("TIME", 6),
                Col::left("RESULT", 13),
                Col::right("SLOT", 6),
                Col::right("LOADS", 5),
                Col::right("TID", 7),
                Col::left("COMM", 15),
                Col::right("MODPROBE", 8),
                Col::left("BY", 24),
            ],
            area.width,
        );
        let cells = shown.iter().skip(top).map(|row| request(row, state, theme));
        table.draw(frame, list, cells, (top, cursor), theme);
    }
    gauge(frame, slots, all, theme);
    detail(frame, chain, state, &all.chain, theme);
}

fn request(row: &RequestNow, state: &State, theme: Theme) -> Vec<Cell> {
    let stuck = row.stage.is_some() && row.lasted_ns.is_some_and(|long| long >= state.stuck_after.0);
    let result = match (&row.outcome, row.stage) {
        (_, Some(about)) if stuck => (format!("!{}", about.name()), theme.bad()),
        (_, Some(about)) => (about.name().to_owned(), theme.title()),
        (Some(outcome), None) if row.failed => (outcome.clone(), theme.bad()),
        (Some(outcome), None) => (outcome.clone(), Style::new()),
        (None, None) => ("not seen".to_owned(), theme.dim()),
    };
    vec![
        (printable(&row.name).into_owned(), theme.name()),
        (time(row.lasted_ns), Style::new()),
        result,
        (time(row.slot_ns), Style::new()),
        (row.attempts.to_string(), Style::new()),
        (row.tid.to_string(), Style::new()),
        (comm(&row.comm), Style::new()),
        (
            row.helper.map_or_else(|| NONE.to_owned(), |tgid| tgid.to_string()),
            Style::new(),
        ),
        (printable(row.by.as_deref().unwrap_or(NONE)).into_owned(), Style::new()),
    ]
}

/// How many of the slots are held.
fn gauge(frame: &mut Frame<'_>, area: Rect, all: &RequestsNow, theme: Theme) {
    if area.height == 0 {
        return;
    }
    let Some(used) = all.slots_used else {
        return nothing(frame, area, "slots: not observed", theme);
    };
    let style = if used >= all.slots { theme.bad() } else { Style::new() };
    let bar: String = (0..all.slots)
        .map(|slot| if slot < used { theme.signs().bar } else { '.' })
        .collect();
    let line = Line::from(vec![
        Span::styled(format!("slots used {used} of {} ", all.slots), style),
        Span::styled(bar, style),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

/// Findings, and the whole of the one under the cursor.
pub(super) fn findings(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    picture: &Picture,
    all: &[Finding],
    theme: Theme,
) {
    let keys = rows::of(state, picture);
    let shown: Vec<&Finding> = keys
        .iter()
        .filter_map(|key| match key {
            rows::Row::Place(at) => all.get(*at),
            _ => None,
        })
        .collect();
    if shown.is_empty() {
        return nothing(frame, area, "nothing was found that needs a look", theme);
    }
    let (list, below) = parts(area, state);
    let cursor = state.cursor(&keys);
    let top = top(state, cursor, usize::from(list.height.saturating_sub(1)), shown.len());
    let table = Table::new(
        vec![Col::left("FINDING", 18), Col::left("MODULE", 16), Col::left("WHAT", 40)],
        area.width,
    );
    let cells = shown.iter().skip(top).map(|finding| {
        vec![
            (finding.id.name().to_owned(), theme.bad()),
            (
                printable(finding.module.as_deref().unwrap_or("(all)")).into_owned(),
                theme.name(),
            ),
            (printable(&finding.sentence).into_owned(), Style::new()),
        ]
    });
    table.draw(frame, list, cells, (top, cursor), theme);
    if let Some(finding) = shown.get(cursor) {
        let text = [printable(&finding.sentence).into_owned(), finding.advice.to_owned()];
        detail(frame, below, state, &text, theme);
    }
}

/// The attempts and requests that a finding rests on, and the whole of the one under the cursor.
pub(super) fn evidence(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    picture: &Picture,
    all: Option<&Evidence>,
    theme: Theme,
) {
    let Some(all) = all else {
        return nothing(frame, area, "this finding is not there any more", theme);
    };
    let (list, below) = parts(area, state);
    let cursor = state.cursor(&rows::of(state, picture));
    let top = top(
        state,
        cursor,
        usize::from(list.height.saturating_sub(1)),
        all.shown.len(),
    );
    let title = format!("EVIDENCE of {}", printable(&all.finding.text()));
    let table = Table::new(vec![Col::left(&title, 40)], area.width);
    let cells = all.shown.iter().skip(top).map(|shown| {
        let first = shown.lines.first().map_or("", String::as_str);
        vec![(first.to_owned(), Style::new())]
    });
    table.draw(frame, list, cells, (top, cursor), theme);
    if let Some(shown) = all.shown.get(cursor) {
        detail(frame, below, state, &shown.lines, theme);
    }
}

/// Every probe, and below what nobody watches.
pub(super) fn probes(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    picture: &Picture,
    all: &[ProbeLine],
    theme: Theme,
) {
    let keys = rows::of(state, picture);
    let shown: Vec<&ProbeLine> = keys
        .iter()
        .filter_map(|key| match key {
            rows::Row::Place(at) => all.get(*at),
            _ => None,
        })
        .collect();
    let (list, below) = parts(area, state);
    if shown.is_empty() {
        nothing(frame, list, "the recording does not say which probes there were", theme);
    } else {
        let cursor = state.cursor(&keys);
        let top = top(state, cursor, usize::from(list.height.saturating_sub(1)), shown.len());
        let table = Table::new(
            vec![
                Col::left("PROBE", 24),
                Col::left("STATUS", 8),
                Col::left("ATTACHED TO, OR WHY NOT", 40),
            ],
            area.width,
        );
        let cells = shown.iter().skip(top).map(|probe| {
            let style = match probe.status.as_str() {
                "chosen" => Style::new(),
                "refused" => theme.bad(),
                _ => theme.dim(),
            };
            let texts: Vec<&str> = [probe.attached.as_str(), probe.why.as_str()]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect();
            vec![
                (printable(&probe.id).into_owned(), theme.name()),
                (probe.status.clone(), style),
                (printable(&texts.join("; ")).into_owned(), Style::new()),
            ]
        });
        table.draw(frame, list, cells, (top, cursor), theme);
    }
    let quality = &picture.head.quality;
    let count = |count: Option<u64>| count.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
    let mut lines = vec![format!(
        "lost {}, missed {}, clipped {}; entries not seen {}, exits not seen {}; not observed:{}",
        count(quality.lost),
        count(quality.missed),
        count(quality.clipped),
        quality.began_before,
        quality.exit_not_seen,
        if quality.unobserved.is_empty() { " nothing" } else { "" },
    )];
    lines.extend(quality.unobserved.iter().map(|why| format!("  {}", printable(why))));
    detail(frame, below, state, &lines, theme);
}

/// A list, and details below it.
fn parts(area: Rect, state: &State) -> (Rect, Rect) {
    let (list, details) = split(state.tab, area.height);
    let y = area.y + list;
    (
        Rect { height: list, ..area },
        Rect {
            y,
            height: details,
            ..area
        },
    )
}

fn lower(area: Rect) -> Rect {
    Rect {
        y: area.y + 1.min(area.height),
        height: area.height.saturating_sub(1),
        ..area
    }
}

/// Sentences below a rule, from the line on that the state says.
fn detail(frame: &mut Frame<'_>, area: Rect, state: &State, lines: &[String], theme: Theme) {
    if area.height == 0 {
        return;
    }
    let width = usize::from(area.width);
    let lines: Vec<String> = lines.iter().flat_map(|line| wrapped(line, width, 2)).collect();
    let room = usize::from(area.height.saturating_sub(1));
    let top = state.detail.min(lines.len().saturating_sub(room));
    let below = lines.len().saturating_sub(top + room);
    let note = match (top, below) {
        (0, 0) => String::new(),
        _ => format!(" J, K: {below} lines more below "),
    };
    let rule = if theme.utf8 { "─" } else { "-" };
    let rule = format!("{note}{}", rule.repeat(width.saturating_sub(note.len())));
    let mut shown = vec![Line::from(Span::styled(rule, theme.dim()))];
    shown.extend(lines.into_iter().skip(top).take(room).map(Line::from));
    frame.render_widget(Paragraph::new(shown), area);
}

fn module(name: Option<&str>) -> String {
    printable(name.unwrap_or(UNKNOWN)).into_owned()
}

fn comm(comm: &str) -> String {
    printable(if comm.is_empty() { NONE } else { comm }).into_owned()
}

fn time(nanos: Option<u64>) -> String {
    nanos.map_or_else(|| NONE.to_owned(), span_text)
}
