//! Rows below titles, as many columns and rows as there is room for.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::view::theme::Theme;

/// A column: its title, its width, and whether it is aligned to the left.
#[derive(Clone, Debug)]
pub(super) struct Col {
    pub(super) title: String,
    pub(super) width: u16,
    pub(super) left: bool,
    /// A name, which may be cut so that there is room for what is to be seen whole.
    pub(super) shrinks: bool,
    /// What is to be seen whole: a reason, an errno, whom a wait is for.
    pub(super) whole: bool,
}

impl Col {
    pub(super) fn left(title: &str, width: u16) -> Self {
        Self {
            title: title.to_owned(),
            width,
            left: true,
            shrinks: false,
            whole: false,
        }
    }

    pub(super) fn right(title: &str, width: u16) -> Self {
        Self {
            left: false,
            ..Self::left(title, width)
        }
    }

    pub(super) fn name(title: &str, width: u16) -> Self {
        Self {
            shrinks: true,
            ..Self::left(title, width)
        }
    }

    pub(super) fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    fn cell(&self, text: &str, width: usize) -> String {
        let count = text.chars().count();
        if count > width {
            // A tilde, as ls and htop have it: more is there.
            return text.chars().take(width.saturating_sub(1)).chain(['~']).collect();
        }
        let room = " ".repeat(width - count);
        if self.left {
            format!("{text}{room}")
        } else {
            format!("{room}{text}")
        }
    }
}

/// A cell and how it looks.
pub(super) type Cell = (String, Style);

/// The least that is left of a name.
const NAME: usize = 8;

/// Draws titles, and the rows that come. One of them, counted from 0, stands out.
pub(super) fn table(
    frame: &mut Frame<'_>,
    area: Rect,
    cols: &[Col],
    rows: impl Iterator<Item = Vec<Cell>>,
    selected: usize,
    theme: Theme,
) {
    let rows: Vec<Vec<Cell>> = rows.take(usize::from(area.height.saturating_sub(1))).collect();
    let widths = widths(cols, &rows, usize::from(area.width));
    let titles = cols.iter().map(|col| (col.title.clone(), theme.title())).collect();
    let mut lines = vec![line(cols, &widths, titles)];
    for (at, cells) in rows.into_iter().enumerate() {
        let line = line(cols, &widths, cells);
        lines.push(if at == selected {
            line.patch_style(theme.selected())
        } else {
            line
        });
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// The widths of the columns that there is room for. The first column takes what is left over, the last one too if it is aligned
/// to the left.
fn widths(cols: &[Col], rows: &[Vec<Cell>], width: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    let mut used = 0;
    for (col, wanted) in cols.iter().zip(wanted(cols, rows, width)) {
        let gap = usize::from(!widths.is_empty());
        let wanted = wanted + gap;
        let room = width.saturating_sub(used);
        // What can be cut takes what is left, if that is worth it.
        if wanted > room && !(col.left && room > 8) {
            break;
        }
        used += wanted.min(room);
        widths.push(wanted.min(room) - gap);
    }
    let rest = width.saturating_sub(used);
    let last = widths.len().saturating_sub(1);
    if cols.get(last).is_some_and(|col| col.left)
        && let Some(last) = widths.get_mut(last)
    {
        *last += rest;
    } else if let Some(first) = widths.first_mut() {
        *first += rest;
    }
    widths
}

/// The widths that columns are to have. Where not all have room, those before the one that is to be seen whole take no more than
/// what is in them, and names less.
fn wanted(cols: &[Col], rows: &[Vec<Cell>], width: usize) -> Vec<usize> {
    let mut wanted: Vec<usize> = cols.iter().map(|col| usize::from(col.width)).collect();
    let Some(whole) = cols.iter().position(|col| col.whole) else {
        return wanted;
    };
    let content = |at: usize| {
        let cells = rows
            .iter()
            .filter_map(|cells| cells.get(at))
            .map(|(text, _)| text.as_str());
        let texts = cells.chain(cols.get(at).map(|col| col.title.as_str()));
        texts.map(|text| text.chars().count()).max().unwrap_or_default()
    };
    if wanted.iter().sum::<usize>() + cols.len() <= width + 1 && content(whole) <= wanted[whole] {
        return wanted;
    }
    for (at, wanted) in wanted.iter_mut().enumerate().take(whole) {
        *wanted = content(at).min(*wanted);
    }
    wanted[whole] = content(whole);
    for at in (0..whole).rev().filter(|at| cols[*at].shrinks) {
        let over = (wanted[..=whole].iter().sum::<usize>() + whole).saturating_sub(width);
        wanted[at] -= over.min(wanted[at].saturating_sub(NAME));
    }
    wanted
}

fn line(cols: &[Col], widths: &[usize], cells: Vec<Cell>) -> Line<'static> {
    let mut spans = Vec::new();
    for (((text, style), col), width) in cells.into_iter().zip(cols).zip(widths) {
        if !spans.is_empty() {
            spans.push(Span::raw(" "));
        }
        spans.push(Span::styled(col.cell(&text, *width), style));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(texts: &[&str]) -> Vec<Cell> {
        texts.iter().map(|text| ((*text).to_owned(), Style::new())).collect()
    }

    #[test]
    fn columns_without_room_are_left_out_and_cells_are_cut() {
        let cols = [Col::left("NAME", 6), Col::right("N", 4), Col::right("MORE", 9)];
        let widths = widths(&cols, &[], 14);
        assert_eq!(widths, [9, 4]);
        let text = |texts: &[&str]| line(&cols, &widths, cells(texts)).to_string();
        assert_eq!(text(&["abc", "1", "x"]), "abc          1");
        assert_eq!(text(&["abcdefghijk", "12345", "x"]), "abcdefgh~ 123~");
    }

    #[test]
    fn names_are_cut_before_a_reason_is() {
        let cols = [
            Col::name("NAME", 16),
            Col::right("TIME", 6),
            Col::left("WHY", 12).whole(),
            Col::right("TID", 7),
        ];
        let rows = [cells(&["a_long_name", "1.00s", "because of that", "1"])];
        assert_eq!(widths(&cols, &rows, 46), [16, 5, 15, 7]);
        assert_eq!(widths(&cols, &rows, 30), [8, 5, 15]);
        // A reason that has no room at all is cut, and only then.
        assert_eq!(widths(&cols, &rows, 26), [8, 5, 11]);
    }
}
