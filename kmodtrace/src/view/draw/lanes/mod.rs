//! Attempts or tasks as lanes over time: a letter for the stage, a sign for a wait, an arrow to the lane of the one it is for.

mod ruler;
mod scale;
mod words;

use std::collections::HashMap;

use kmodtrace_core::model::{Errno, Stage};
use kmodtrace_core::monitor::{Lane, LaneAttempt, LaneOf, Lanes, Picture};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Paragraph, Widget as _};

use super::nothing;
use crate::view::layout::{parts, titles};
use crate::view::pages::{comm, module_name};
use crate::view::rows;
use crate::view::state::State;
use crate::view::theme::Theme;
use scale::Scale;

/// Names, lanes, and what the one under the cursor is.
pub(super) fn lanes(frame: &mut Frame<'_>, area: Rect, state: &State, picture: &Picture, all: &Lanes, theme: Theme) {
    if all.lanes.is_empty() {
        return nothing(frame, area, "no attempt in this span of time", theme);
    }
    let (list, words) = parts(state, area);
    let names = (area.width / 3).clamp(12, 36);
    let above = titles(state, &picture.head);
    let field = Rect {
        x: area.x + names,
        y: area.y + above,
        width: area.width.saturating_sub(names),
        height: list.height.saturating_sub(above),
    };
    if field.width < 8 || field.height == 0 {
        return nothing(frame, area, "too narrow for lanes", theme);
    }
    let scale = Scale {
        from: all.from_ns,
        to: all.to_ns.max(all.from_ns.saturating_add(1)),
        area: field,
    };
    let cursor = state.cursor(&rows::shown(state, picture));
    let buffer = frame.buffer_mut();
    ruler::ruler(buffer, area, &scale, all, theme);
    if !picture.head.marks.is_empty() {
        ruler::marks(buffer, area.y + 1, &scale, &picture.head, theme);
    }
    for (lane, y) in all.lanes.iter().zip(field.y..field.bottom()) {
        let at = all.first + usize::from(y - field.y);
        let style = if at == cursor { theme.selected() } else { Style::new() };
        name(buffer, (area.x, y, names - 1), lane, all.of, style, theme);
        for attempt in &lane.attempts {
            bar(buffer, y, attempt, &scale, theme);
        }
    }
    arrows(buffer, all, cursor, &scale, theme);
    let letters = Rect {
        height: words.height.saturating_sub(1),
        ..words
    };
    Paragraph::new(words::legend(all, letters, theme)).render(letters, buffer);
    if let Some(lane) = cursor.checked_sub(all.first).and_then(|at| all.lanes.get(at)) {
        let text = words::in_words(lane, all.of, picture.head.at);
        let text: String = text.chars().take(usize::from(area.width)).collect();
        buffer.set_string(words.x, words.bottom().saturating_sub(1), text, theme.title());
    }
}

/// The module and how its load ended, or the task and how many attempts it made.
fn name(buffer: &mut Buffer, (x, y, width): (u16, u16, u16), lane: &Lane, of: LaneOf, style: Style, theme: Theme) {
    let (tid, comm) = (lane.tid, comm(&lane.comm));
    let (text, end, end_style) = match (of, lane.attempts.as_slice()) {
        (LaneOf::Attempt, [attempt]) => {
            let sign = if attempt.unloads { "-" } else { "" };
            let module = module_name(attempt.module.as_deref());
            let (got, style) = match attempt.errno {
                None => ("...".to_owned(), theme.dim()),
                Some(Errno::OK) => (String::new(), theme.dim()),
                Some(errno) => (errno.name().into_owned(), theme.bad()),
            };
            (format!("{sign}{module} {tid} {comm}"), got, style)
        }
        (_, attempts) => (format!("{tid} {comm}"), attempts.len().to_string(), theme.dim()),
    };
    let width = usize::from(width);
    let room = width.saturating_sub(end.len() + 1);
    let text: String = text.chars().take(room).collect();
    buffer.set_string(x, y, format!("{text:<room$} "), style);
    buffer.set_stringn(
        x + u16::try_from(room + 1).unwrap_or_default(),
        y,
        end,
        width,
        end_style,
    );
}

fn bar(buffer: &mut Buffer, y: u16, attempt: &LaneAttempt, scale: &Scale, theme: Theme) {
    let end = attempt.end_ns.unwrap_or(scale.to);
    let (first, last) = (scale.column(attempt.start_ns), scale.column(end));
    if end < scale.from || attempt.start_ns > scale.to {
        return;
    }
    for column in first..=last {
        // The middle of a cell, but nothing outside of the attempt: one shorter than a cell is seen as well.
        let at = scale.instant(column).clamp(attempt.start_ns, end);
        let piece = attempt.stages.iter().rev().find(|piece| piece.start_ns <= at);
        let stage = piece.map_or(Stage::Entry, |piece| piece.stage);
        let waits = attempt.waits.iter().any(|wait| wait.start_ns <= at && at < wait.end_ns);
        let sign = if waits { '~' } else { stage.letter() };
        buffer[(column, y)].set_char(sign).set_style(theme.stage(stage));
    }
}

/// Where a wait begins: towards the lane of the one that it is for; from the lane under the cursor all the way.
fn arrows(buffer: &mut Buffer, all: &Lanes, cursor: usize, scale: &Scale, theme: Theme) {
    let signs = theme.signs();
    let places = all.lanes.iter().enumerate();
    let places = places.flat_map(|(at, lane)| lane.attempts.iter().map(move |attempt| (attempt.id, at)));
    let places: HashMap<u64, usize> = places.collect();
    let y = |at: usize| scale.area.y + u16::try_from(at).unwrap_or_default();
    for (at, lane) in all.lanes.iter().enumerate().take(usize::from(scale.area.height)) {
        let waits = lane.attempts.iter().flat_map(|attempt| &attempt.waits);
        for wait in waits.filter(|wait| scale.holds(wait.start_ns)) {
            let Some(owner) = wait.on.and_then(|on| places.get(&on).copied()) else {
                continue;
            };
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
