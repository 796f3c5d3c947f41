//! Attempts as lanes over time: a letter for the stage, a sign for a wait, an arrow to the lane of the one it is for.

use std::cmp::Reverse;

use kmodtrace_core::model::{Errno, Ktime, Stage, Zero};
use kmodtrace_core::monitor::{Lane, Lanes, Picture};
use kmodtrace_core::text::span_text;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _};

use super::nothing;
use crate::view::layout::parts;
use crate::view::pages::{comm, module_name};
use crate::view::rows;
use crate::view::state::State;
use crate::view::theme::{STAGES, Theme, letter};

/// Time along the width.
struct Scale {
    from: u64,
    to: u64,
    area: Rect,
}

impl Scale {
    /// The column of an instant, or the nearest.
    fn column(&self, at: u64) -> u16 {
        let last = u64::from(self.area.width.saturating_sub(1));
        let at = at.min(self.to).saturating_sub(self.from);
        let place = u128::from(at) * u128::from(last) / u128::from((self.to - self.from).max(1));
        self.area.x + u16::try_from(place).unwrap_or_default()
    }

    /// The instant in the middle of a column.
    fn instant(&self, column: u16) -> u64 {
        let long = u128::from(self.to - self.from);
        let place = u128::from(2 * (column - self.area.x) + 1);
        let at = long * place / (2 * u128::from(self.area.width.max(1)));
        self.from + u64::try_from(at).unwrap_or_default()
    }

    fn holds(&self, at: u64) -> bool {
        (self.from..=self.to).contains(&at)
    }
}

/// Names, lanes, and what the one under the cursor is.
pub(super) fn lanes(frame: &mut Frame<'_>, area: Rect, state: &State, picture: &Picture, all: &Lanes, theme: Theme) {
    if all.lanes.is_empty() {
        return nothing(frame, area, "no attempt in this span of time", theme);
    }
    let (list, words) = parts(state, area);
    let names = (area.width / 3).clamp(12, 36);
    let field = Rect {
        x: area.x + names,
        y: area.y + 1,
        width: area.width.saturating_sub(names),
        height: list.height.saturating_sub(1),
    };
    if field.width < 8 || field.height == 0 {
        return nothing(frame, area, "too narrow for lanes", theme);
    }
    let scale = Scale {
        from: all.from_ns,
        to: all.to_ns.max(all.from_ns + 1),
        area: field,
    };
    let cursor = state.cursor(&rows::shown(state, picture));
    let buffer = frame.buffer_mut();
    ruler(buffer, area, &scale, all, theme);
    for (lane, y) in all.lanes.iter().zip(field.y..field.bottom()) {
        let at = all.first + usize::from(y - field.y);
        let style = if at == cursor { theme.selected() } else { Style::new() };
        name(buffer, (area.x, y, names - 1), lane, style, theme);
        bar(buffer, y, lane, &scale, theme);
    }
    arrows(buffer, all, cursor, &scale, theme);
    let letters = Rect {
        height: words.height.saturating_sub(1),
        ..words
    };
    Paragraph::new(legend(all, letters, theme)).render(letters, buffer);
    if let Some(lane) = cursor.checked_sub(all.first).and_then(|at| all.lanes.get(at)) {
        let text: String = in_words(lane).chars().take(usize::from(area.width)).collect();
        buffer.set_string(words.x, words.bottom().saturating_sub(1), text, theme.title());
    }
}

/// From when to when.
fn ruler(buffer: &mut Buffer, area: Rect, scale: &Scale, all: &Lanes, theme: Theme) {
    let count = format!("{} attempts", all.total);
    buffer.set_stringn(area.x, area.y, count, usize::from(scale.area.x - area.x), theme.title());
    let (from, to) = (time(scale.from), time(scale.to));
    let span = format!("<- {} ->", span_text(scale.to - scale.from));
    let width = usize::from(scale.area.width);
    buffer.set_stringn(scale.area.x, area.y, &from, width, theme.title());
    let middle = width.saturating_sub(span.len()) / 2;
    if from.len() + to.len() + span.len() + 4 < width {
        buffer.set_string(
            scale.area.x + u16::try_from(middle).unwrap_or_default(),
            area.y,
            span,
            theme.dim(),
        );
        let right = scale.area.right() - u16::try_from(to.len()).unwrap_or_default();
        buffer.set_string(right, area.y, to, theme.title());
    }
}

fn name(buffer: &mut Buffer, (x, y, width): (u16, u16, u16), lane: &Lane, style: Style, theme: Theme) {
    let module = module_name(lane.module.as_deref());
    let sign = if lane.unloads { "-" } else { "" };
    let got = match lane.errno {
        None => "...".to_owned(),
        Some(Errno::OK) => String::new(),
        Some(errno) => errno.name().into_owned(),
    };
    let comm = comm(&lane.comm);
    let width = usize::from(width);
    let text = format!("{sign}{module} {} {comm}", lane.tid);
    let room = width.saturating_sub(got.len() + 1);
    let text: String = text.chars().take(room).collect();
    let failed = lane.errno.is_some_and(|errno| errno != Errno::OK);
    let end = if failed { theme.bad() } else { theme.dim() };
    buffer.set_string(x, y, format!("{text:<room$} "), style);
    buffer.set_stringn(x + u16::try_from(room + 1).unwrap_or_default(), y, got, width, end);
}

fn bar(buffer: &mut Buffer, y: u16, lane: &Lane, scale: &Scale, theme: Theme) {
    let end = lane.end_ns.unwrap_or(scale.to);
    let (first, last) = (scale.column(lane.start_ns), scale.column(end));
    if end < scale.from || lane.start_ns > scale.to {
        return;
    }
    for column in first..=last {
        // The middle of a cell, but nothing outside of the lane: one shorter than a cell is seen as well.
        let at = scale.instant(column).clamp(lane.start_ns, end);
        let piece = lane.stages.iter().rev().find(|piece| piece.start_ns <= at);
        let stage = piece.map_or(Stage::Entry, |piece| piece.stage);
        let waits = lane.waits.iter().any(|wait| wait.start_ns <= at && at < wait.end_ns);
        let sign = if waits { '~' } else { letter(stage) };
        buffer[(column, y)].set_char(sign).set_style(theme.stage(stage));
    }
}

/// Where a wait begins: towards the lane of the one that it is for; from the lane under the cursor all the way.
fn arrows(buffer: &mut Buffer, all: &Lanes, cursor: usize, scale: &Scale, theme: Theme) {
    let signs = theme.signs();
    let place = |id: u64| all.lanes.iter().position(|lane| lane.id == id);
    let y = |at: usize| scale.area.y + u16::try_from(at).unwrap_or_default();
    for (at, lane) in all.lanes.iter().enumerate().take(usize::from(scale.area.height)) {
        for wait in lane.waits.iter().filter(|wait| scale.holds(wait.start_ns)) {
            let Some(on) = wait.on else { continue };
            let Some(owner) = place(on) else { continue };
            let column = scale.column(wait.start_ns);
            let sign = if owner < at { signs.up } else { signs.down };
            buffer[(column, y(at))].set_char(sign);
            if all.first + at == cursor && owner < usize::from(scale.area.height) {
                let (upper, lower) = (owner.min(at), owner.max(at));
                for between in upper + 1..lower {
                    buffer[(column, y(between))]
                        .set_char(signs.vertical)
                        .set_style(theme.bad());
                }
                buffer[(column, y(owner))].set_char(sign).set_style(theme.bad());
            }
        }
    }
}

/// What the signs and letters of these lanes mean, in as many lines as there are above the last one.
fn legend(all: &Lanes, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    let signs = theme.signs();
    let waits = [
        (Span::raw("~"), "waits".to_owned()),
        (
            Span::raw(format!("{}{}", signs.up, signs.down)),
            "for the lane up, down".to_owned(),
        ),
    ];
    let long = |stage: Stage| {
        let pieces = all.lanes.iter().flat_map(|lane| &lane.stages);
        let own = pieces.filter(|piece| piece.stage == stage);
        own.map(|piece| piece.end_ns.saturating_sub(piece.start_ns))
            .fold(0, u64::saturating_add)
    };
    // Where there is no room for all, those that take the least time are left out.
    let mut stages: Vec<(u64, Stage)> = STAGES.iter().map(|stage| (long(*stage), *stage)).collect();
    stages.retain(|(long, _)| *long > 0);
    stages.sort_by_key(|(long, _)| Reverse(*long));
    let stages = stages.into_iter().map(|(_, stage)| {
        let sign = Span::styled(letter(stage).to_string(), theme.stage(stage));
        (sign, stage.name().to_owned())
    });
    let mut lines = vec![Line::default()];
    for (sign, text) in waits.into_iter().chain(stages) {
        let text = format!(" {text}  ");
        let long = sign.width() + text.len();
        if lines
            .last()
            .is_some_and(|line| line.width() + long > usize::from(area.width) + 2)
        {
            lines.push(Line::default());
        }
        if let Some(line) = lines.last_mut() {
            line.push_span(sign);
            line.push_span(Span::styled(text, theme.dim()));
        }
    }
    lines
}

/// In seconds since the kernel started.
fn time(ns: u64) -> String {
    Zero::Boot.number(Ktime(ns))
}

/// The lane in words.
fn in_words(lane: &Lane) -> String {
    let long = lane.end_ns.map_or_else(
        || "in flight".to_owned(),
        |end| span_text(end.saturating_sub(lane.start_ns)),
    );
    let got = lane.errno.map_or_else(String::new, |errno| format!(" {errno}"));
    let waits: Vec<String> = lane
        .waits
        .iter()
        .map(|wait| {
            let on = wait.on.map_or_else(String::new, |on| format!(" for attempt {on}"));
            format!(
                "{} {}{on}",
                wait.kind.name(),
                span_text(wait.end_ns.saturating_sub(wait.start_ns))
            )
        })
        .collect();
    let waits = if waits.is_empty() {
        String::new()
    } else {
        format!("; waits: {}", waits.join(", "))
    };
    format!(
        "attempt {}: {} at {}, {long}{got}{waits}",
        lane.id,
        module_name(lane.module.as_deref()),
        time(lane.start_ns),
    )
}
