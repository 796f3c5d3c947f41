//! A screen as a picture: a rectangle where there is a background, a text where there are characters.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// The size of a character's place. Letters of a font of this size are that wide in nearly every monospaced family, and each
/// text is told its width, so that columns stand below each other in all of them.
const CELL: (usize, usize) = (9, 18);
const FONT: usize = 15;
/// From the top of a line to the foot of its letters.
const BASE: usize = 14;
/// Around the screen.
const MARGIN: usize = 9;

/// What a terminal has where nothing else was chosen.
const FOREGROUND: (u8, u8, u8) = (0xd8, 0xd8, 0xd8);
const BACKGROUND: (u8, u8, u8) = (0x18, 0x18, 0x18);

/// The picture of a screen.
pub(super) fn picture(name: &str, screen: &Buffer) -> String {
    let (cols, lines) = (usize::from(screen.area.width), usize::from(screen.area.height));
    let (width, height) = (cols * CELL.0, lines * CELL.1);
    let (width, height) = (width + 2 * MARGIN, height + 2 * MARGIN);
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"DejaVu Sans Mono, Liberation Mono, Menlo, Consolas, monospace\" font-size=\"{FONT}\">\n\
         <title>kmodtrace: {}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>",
        escaped(name),
        hex(BACKGROUND)
    );
    for (line, row) in screen.content.chunks(cols).enumerate() {
        let mut column = 0;
        for run in row.chunk_by(|one, next| one.style() == next.style()) {
            stretch(&mut svg, run, column, line);
            column += run.len();
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Characters of one look.
fn stretch(svg: &mut String, run: &[Cell], column: usize, line: usize) {
    let Some(look) = run.first() else { return };
    let (left, top) = (MARGIN + column * CELL.0, MARGIN + line * CELL.1);
    let (ink, paper) = colours(look);
    if let Some(paper) = paper {
        let (width, height) = (run.len() * CELL.0, CELL.1);
        let fill = hex(paper);
        let _ = writeln!(
            svg,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>"
        );
    }
    let blank = |cell: &&Cell| cell.symbol() == " ";
    let before = run.iter().take_while(blank).count();
    let after = run.iter().rev().take_while(blank).count();
    let Some(inked) = run.get(before..run.len() - after).filter(|inked| !inked.is_empty()) else {
        return;
    };
    let text: String = inked.iter().map(Cell::symbol).collect();
    let (left, foot, width) = (left + before * CELL.0, top + BASE, inked.len() * CELL.0);
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{foot}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{} \
         xml:space=\"preserve\">{}</text>",
        hex(ink),
        attributes(look),
        escaped(&text)
    );
}

/// Red, green and blue.
type Rgb = (u8, u8, u8);

/// Of the letters, and of what is behind them if that is not the screen's own.
fn colours(look: &Cell) -> (Rgb, Option<Rgb>) {
    let (ink, paper) = (rgb(look.fg), rgb(look.bg));
    if look.modifier.contains(Modifier::REVERSED) {
        (paper.unwrap_or(BACKGROUND), Some(ink.unwrap_or(FOREGROUND)))
    } else {
        (ink.unwrap_or(FOREGROUND), paper)
    }
}

fn attributes(look: &Cell) -> String {
    let all = [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::DIM, " opacity=\"0.6\""),
    ];
    let chosen = all.iter().filter(|(modifier, _)| look.modifier.contains(*modifier));
    chosen.map(|(_, text)| *text).collect()
}

/// A colour of the view as light; none for the screen's own. After the first 16 come a cube with six levels of red, green and blue,
/// and 24 greys.
fn rgb(colour: Color) -> Option<Rgb> {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match colour {
        // Each terminal's own to choose; these are xterm's.
        Color::Red => Some((0xcd, 0x00, 0x00)),
        Color::Green => Some((0x00, 0xcd, 0x00)),
        Color::Indexed(number @ 16..=231) => {
            let place = number - 16;
            Some((level(place / 36), level(place / 6 % 6), level(place % 6)))
        }
        Color::Indexed(number @ 232..) => Some([8 + 10 * (number - 232); 3].into()),
        _ => None,
    }
}

fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
