//! What stands above lanes: from when to when they go, and what a boot passed meanwhile.

use kmodtrace_core::monitor::{Head, LaneOf, Lanes, part_of_boot};
use kmodtrace_core::recording::BootMark;
use kmodtrace_core::text::span_text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::scale::{Scale, time};
use crate::view::theme::Theme;

/// From when to when.
pub(super) fn ruler(buffer: &mut Buffer, area: Rect, scale: &Scale, all: &Lanes, theme: Theme) {
    let count = match all.of {
        LaneOf::Attempt => format!("{} attempts", all.total),
        LaneOf::Task => format!("{} tasks, {} attempts", all.total, all.attempts),
    };
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

/// What the boot has passed, from its instant downwards, and between two of them the part of the boot.
pub(super) fn marks(buffer: &mut Buffer, y: u16, scale: &Scale, head: &Head, theme: Theme) {
    let (area, all) = (scale.area, &head.marks);
    // What began out of sight has no mark: the edge of the names is as good.
    let mut edges = vec![(area.x.saturating_sub(1), scale.from, "")];
    let is_seen = |mark: &&BootMark| mark.time_ns <= head.at && scale.holds(mark.time_ns.0);
    for mark in all.iter().filter(is_seen) {
        let column = scale.column(mark.time_ns.0);
        edges.push((column, mark.time_ns.0, mark.milestone.name()));
        for y in y..area.bottom() {
            buffer[(column, y)].set_char(theme.signs().mark).set_style(theme.dim());
        }
    }
    for (nth, (edge, instant, name)) in edges.iter().enumerate() {
        let next = edges.get(nth + 1);
        let (from, to) = (edge + 1, next.map_or(area.right(), |(column, ..)| *column));
        let room = usize::from(to.saturating_sub(from));
        // Told once, where it ends.
        let part = part_of_boot(all, *instant)
            .filter(|part| next.is_none_or(|(_, at, _)| part_of_boot(all, *at) != Some(part)))
            .unwrap_or_default();
        // The mark at the right end has its name on the other side.
        let last = next
            .filter(|(column, _, name)| usize::from(area.right() - column) <= name.len())
            .map_or("", |(.., name)| *name);
        // Where there is no room for all, the part says most.
        let texts = [[name, part, last], [name, part, ""], ["", part, ""], [name, "", ""]];
        let told = |texts: &[&str; 3]| texts.join(" ").trim().len();
        let Some([name, part, last]) = texts.into_iter().find(|texts| told(texts) <= room) else {
            continue;
        };
        let space = room - name.len() - part.len() - last.len();
        for (skip, text, style) in [
            (0, name, theme.title()),
            (name.len() + space / 2, part, theme.dim()),
            (room - last.len(), last, theme.title()),
        ] {
            buffer.set_string(from + u16::try_from(skip).unwrap_or_default(), y, text, style);
        }
    }
}
