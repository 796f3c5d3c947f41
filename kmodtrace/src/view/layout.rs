//! Where things are on the screen.

use kmodtrace_core::monitor::Head;
use kmodtrace_core::report::refused_text;
use ratatui::layout::Rect;

use super::state::State;
use super::tab::Tab;

/// The parts of the screen, from the top.
#[derive(Clone, Copy, Debug)]
pub(super) struct Areas {
    pub(super) head: Rect,
    pub(super) tabs: Rect,
    /// Empty when there is nothing to warn of.
    pub(super) banner: Rect,
    pub(super) body: Rect,
    pub(super) foot: Rect,
}

/// Lines of the head.
const HEAD: u16 = 2;

/// Lines of the legend of the time line, where there is room for it.
const LEGEND: u16 = 2;

/// The parts of a terminal of this size.
pub(super) fn areas(area: Rect, head: &Head) -> Areas {
    let banner = u16::from(banner(head).is_some());
    let mut y = area.y;
    let mut next = |height: u16| {
        let height = height.min(area.bottom().saturating_sub(y));
        let part = Rect::new(area.x, y, area.width, height);
        y += height;
        part
    };
    let body = area.height.saturating_sub(HEAD + 2 + banner);
    Areas {
        head: next(HEAD),
        tabs: next(1),
        banner: next(banner),
        body: next(body),
        foot: next(1),
    }
}

/// What must not be overlooked in any view: what is missing, so that the rest cannot be taken at its word, and who is stuck.
pub(super) fn banner(head: &Head) -> Option<String> {
    let quality = &head.quality;
    let stuck = (head.deadlocks > 0).then(|| format!("DEADLOCK: press {}", Tab::Graph.number()));
    let mut parts = Vec::new();
    for (count, what) in [
        (quality.lost, "records LOST"),
        (quality.missed, "probe hits MISSED"),
        (quality.clipped, "attempts CLIPPED"),
    ] {
        if let Some(count) = count.filter(|count| *count > 0) {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.extend(quality.truncated.as_ref().map(|why| format!("CUT: {why}")));
    let missing = (!parts.is_empty()).then(|| format!("{}: what is shown is not all that happened", parts.join(", ")));
    let refused = refused_text(&quality.refused);
    let told: Vec<String> = stuck.into_iter().chain(missing).chain(refused).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Rows of a list that the body of this view has room for.
pub(super) fn list_height(state: &State, head: &Head) -> usize {
    let (list, _) = parts(state, areas(state.area, head).body);
    usize::from(list.height.saturating_sub(titles(state, head)))
}

/// Lines of a list above its first row.
pub(super) fn titles(state: &State, head: &Head) -> u16 {
    match (&state.topic, state.tab) {
        // What it is, or all of them together, as well.
        (Some(_), _) | (None, Tab::Modules) => 2,
        (None, Tab::Module | Tab::Graph) => 0,
        // What the boot passed.
        (None, Tab::TimeLine) if !head.marks.is_empty() => 2,
        (None, _) => 1,
    }
}

/// The titles of the views and where they stand, as widely as there is room for.
pub(super) fn tabs(area: Rect, head: &Head) -> Vec<(Tab, String, Rect)> {
    let titles = |short: usize| {
        let title = |tab: &Tab| {
            let found = match (tab, head.findings) {
                (Tab::Findings, found @ 1..) => format!(" {found}"),
                _ => String::new(),
            };
            let title = format!("{}{}{}{found}", tab.number(), [" ", ""][short], tab.titles()[short]);
            (*tab, title)
        };
        Tab::ALL.iter().map(title).collect::<Vec<_>>()
    };
    let long = titles(0);
    let letters: usize = long.iter().map(|(_, title)| title.len()).sum();
    let gaps = Tab::ALL.len() - 1;
    let (shown, gap) = match usize::from(area.width) {
        width if width >= letters + 2 * gaps => (long, 2),
        width if width >= letters + gaps => (long, 1),
        _ => (titles(1), 1),
    };
    let mut left = area.x;
    let place = |(tab, title): (Tab, String)| {
        let width = u16::try_from(title.len()).unwrap_or_default();
        let place = Rect::new(left, area.y, width, area.height).intersection(area);
        left = left.saturating_add(width + gap);
        (tab, title, place)
    };
    shown.into_iter().map(place).collect()
}

/// Whether there is room for details beside a list.
pub(super) fn is_wide(area: Rect) -> bool {
    area.width >= 120
}

/// A list, and the details below it or beside it.
pub(super) fn parts(state: &State, body: Rect) -> (Rect, Rect) {
    if (&state.topic, state.tab) == (&None, Tab::Modules) && is_wide(body) {
        let width = (body.width * 2 / 5).max(50);
        let list = Rect {
            width: body.width - width - 2,
            ..body
        };
        let details = Rect {
            x: body.right() - width,
            width,
            ..body
        };
        return (list, details);
    }
    let room = body.height >= 8;
    let below = match (&state.topic, state.tab) {
        (Some(_), _) | (None, Tab::Requests | Tab::Findings | Tab::Probes) if room => body.height / 2 - 1,
        (None, Tab::Now) if room => 3,
        // The lane under the cursor in words, and what letters mean.
        (None, Tab::TimeLine) if body.height >= 16 => 1 + LEGEND,
        (None, Tab::TimeLine) => 1.min(body.height),
        _ => 0,
    };
    let list = Rect {
        height: body.height - below,
        ..body
    };
    let details = Rect {
        y: list.bottom(),
        height: below,
        ..body
    };
    (list, details)
}

/// The first row to show, so that the cursor is in sight and as little as possible moves.
pub(super) fn top_for(top: usize, cursor: usize, height: usize, rows: usize) -> usize {
    let height = height.max(1);
    let top = top.min(rows.saturating_sub(height));
    if cursor < top {
        cursor
    } else if cursor >= top + height {
        cursor + 1 - height
    } else {
        top
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_in_sight() {
        for (top, cursor, height, rows) in [(0, 9, 5, 10), (7, 2, 5, 10), (9, 9, 5, 10), (3, 3, 0, 4), (50, 0, 5, 0)] {
            let new = top_for(top, cursor, height, rows);
            assert!(
                new <= cursor && cursor < new + height.max(1),
                "{top} {cursor} {height} {rows}: {new}"
            );
        }
        assert_eq!(top_for(2, 4, 5, 10), 2);
    }
}
