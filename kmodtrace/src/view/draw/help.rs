//! The keys and the signs, over everything.

use kmodtrace_core::model::Stage;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Clear, Paragraph};

use crate::view::keys::{BINDINGS, Part};
use crate::view::theme::Theme;

/// Characters of a line of help.
const COLUMN: u16 = 60;

/// In as many columns as there is room for, from its line `top` on where even that is not enough.
pub(super) fn help(frame: &mut Frame<'_>, top: usize, theme: Theme) {
    let area = frame.area();
    frame.render_widget(Clear, area);
    let lines = lines(theme);
    let height = usize::from(area.height.saturating_sub(1)).max(1);
    let fit = usize::from(area.width / COLUMN).max(1);
    let columns = lines.len().div_ceil(height).clamp(1, fit);
    let top = top.min(lines.len().saturating_sub(height * columns));
    let width = area.width / u16::try_from(columns).unwrap_or(1);
    for (at, column) in lines[top..].chunks(height).take(columns).enumerate() {
        let left = area.x + width * u16::try_from(at).unwrap_or_default();
        let place = Rect::new(left, area.y, width.saturating_sub(1), area.height.saturating_sub(1));
        frame.render_widget(Paragraph::new(Text::from(column.to_vec())), place);
    }
    let more = lines.len().saturating_sub(height * columns) > 0;
    let text = if more {
        "up and down show more; any other key goes back"
    } else {
        "any key goes back"
    };
    let foot = Rect::new(area.x, area.bottom().saturating_sub(1), area.width, 1);
    frame.render_widget(Paragraph::new(Span::styled(text, theme.dim())), foot);
}

fn lines(theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for part in Part::ALL {
        lines.push(Line::from(Span::styled(part.title(), theme.title())));
        for binding in BINDINGS.iter().filter(|binding| binding.part == part) {
            lines.push(Line::from(vec![
                Span::styled(format!("  {:<17}", binding.keys_text()), theme.name()),
                Span::raw(binding.help),
            ]));
        }
    }
    lines.push(Line::from(Span::styled("Stages, on bars and lanes", theme.title())));
    for pair in Stage::OF_LOADS.chunks(2) {
        let mut spans = vec![Span::raw("  ")];
        for stage in pair {
            spans.push(Span::styled(stage.letter().to_string(), theme.stage(*stage)));
            spans.push(Span::raw(format!(" {:<16}", stage.name())));
        }
        lines.push(Line::from(spans));
    }
    let signs = theme.signs();
    lines.push(Line::from(format!(
        "  ~ waits; {} {} for the lane up or down",
        signs.up, signs.down
    )));
    lines.push(Line::from(format!("  {} what a boot passed", signs.mark)));
    lines.push(Line::from("  n/o nobody watched, which is not 0"));
    lines
}
