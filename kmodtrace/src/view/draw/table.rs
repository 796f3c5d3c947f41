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
}

impl Col {
    pub(super) fn left(title: &str, width: u16) -> Self {
        Self {
            title: title.to_owned(),
            width,
            left: true,
        }
    }

    pub(super) fn right(title: &str, width: u16) -> Self {
        Self {
            left: false,
            ..Self::left(title, width)
        }
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

/// The table. The first column takes what is left over, the last one too if it is aligned to the left.
pub(super) struct Table {
    cols: Vec<Col>,
    widths: Vec<usize>,
}

impl Table {
    /// The columns that there is room for.
    pub(super) fn new(cols: Vec<Col>, width: u16) -> Self {
        let width = usize::from(width);
        let mut widths: Vec<usize> = Vec::new();
        let mut used = 0;
        for col in &cols {
            let gap = usize::from(!widths.is_empty());
            let wanted = usize::from(col.width) + gap;
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
        Self { cols, widths }
    }

    /// Draws titles, and the rows from `top` on. The row under the cursor stands out.
    pub(super) fn draw(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        rows: impl Iterator<Item = Vec<Cell>>,
        (top, cursor): (usize, usize),
        theme: Theme,
    ) {
        let titles = self.cols.iter().map(|col| (col.title.clone(), theme.title())).collect();
        let mut lines = vec![self.line(titles)];
        let height = usize::from(area.height.saturating_sub(1));
        for (at, cells) in rows.enumerate().take(height) {
            let line = self.line(cells);
            lines.push(if top + at == cursor {
                line.patch_style(theme.selected())
            } else {
                line
            });
        }
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn line(&self, cells: Vec<Cell>) -> Line<'static> {
        let mut spans = Vec::new();
        for (((text, style), col), width) in cells.into_iter().zip(&self.cols).zip(&self.widths) {
            if !spans.is_empty() {
                spans.push(Span::raw(" "));
            }
            spans.push(Span::styled(col.cell(&text, *width), style));
        }
        Line::from(spans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_room_are_left_out_and_cells_are_cut() {
        let table = Table::new(
            vec![Col::left("NAME", 6), Col::right("N", 4), Col::right("MORE", 9)],
            14,
        );
        assert_eq!(table.widths, [9, 4]);
        let text = |cells: [&str; 3]| {
            let cells = cells.iter().map(|text| ((*text).to_owned(), Style::new())).collect();
            table.line(cells).to_string()
        };
        assert_eq!(text(["abc", "1", "x"]), "abc          1");
        assert_eq!(text(["abcdefghijk", "12345", "x"]), "abcdefgh~ 123~");
    }
}
