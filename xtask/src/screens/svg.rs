//! A screen as a picture: a rectangle where there is a background, a text where there are characters.

use std::fmt::Write as _;

use guest_tests::{
    sgr::{Cell, Colour, Look},
    tmux::Size,
};

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

/// The first 16 colours, which are each terminal's own to choose; these are xterm's.
const SIXTEEN: [(u8, u8, u8); 16] = [
    (0x00, 0x00, 0x00),
    (0xcd, 0x00, 0x00),
    (0x00, 0xcd, 0x00),
    (0xcd, 0xcd, 0x00),
    (0x5c, 0x8c, 0xff),
    (0xcd, 0x00, 0xcd),
    (0x00, 0xcd, 0xcd),
    (0xe5, 0xe5, 0xe5),
    (0x7f, 0x7f, 0x7f),
    (0xff, 0x00, 0x00),
    (0x00, 0xff, 0x00),
    (0xff, 0xff, 0x00),
    (0x8c, 0xac, 0xff),
    (0xff, 0x00, 0xff),
    (0x00, 0xff, 0xff),
    (0xff, 0xff, 0xff),
];

/// The picture of a screen.
pub(super) fn picture(name: &str, rows: &[Vec<Cell>], (cols, lines): Size) -> String {
    let (width, height) = (usize::from(cols) * CELL.0, usize::from(lines) * CELL.1);
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
    for (line, row) in rows.iter().enumerate() {
        let mut column = 0;
        for run in row.chunk_by(|one, next| one.look == next.look) {
            stretch(&mut svg, run, column, line);
            column += run.len();
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Characters of one look.
fn stretch(svg: &mut String, run: &[Cell], column: usize, line: usize) {
    let Some(Cell { look, .. }) = run.first() else {
        return;
    };
    let (left, top) = (MARGIN + column * CELL.0, MARGIN + line * CELL.1);
    let (ink, paper) = colours(*look);
    if let Some(paper) = paper {
        let (width, height) = (run.len() * CELL.0, CELL.1);
        let fill = hex(paper);
        let _ = writeln!(
            svg,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>"
        );
    }
    let blank = |cell: &&Cell| cell.character == ' ';
    let before = run.iter().take_while(blank).count();
    let after = run.iter().rev().take_while(blank).count();
    let Some(inked) = run.get(before..run.len() - after).filter(|inked| !inked.is_empty()) else {
        return;
    };
    let text: String = inked.iter().map(|cell| cell.character).collect();
    let (left, foot, width) = (left + before * CELL.0, top + BASE, inked.len() * CELL.0);
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{foot}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{} \
         xml:space=\"preserve\">{}</text>",
        hex(ink),
        attributes(*look),
        escaped(&text)
    );
}

/// Red, green and blue.
type Rgb = (u8, u8, u8);

/// Of the letters, and of what is behind them if that is not the screen's own.
fn colours(look: Look) -> (Rgb, Option<Rgb>) {
    let (ink, paper) = (look.foreground.map(rgb), look.background.map(rgb));
    if look.reverse {
        (paper.unwrap_or(BACKGROUND), Some(ink.unwrap_or(FOREGROUND)))
    } else {
        (ink.unwrap_or(FOREGROUND), paper)
    }
}

fn attributes(look: Look) -> String {
    let all = [
        (look.bold, " font-weight=\"bold\""),
        (look.dim, " opacity=\"0.6\""),
        (look.italic, " font-style=\"italic\""),
        (look.underlined, " text-decoration=\"underline\""),
    ];
    all.iter()
        .filter(|(chosen, _)| *chosen)
        .map(|(_, text)| *text)
        .collect()
}

/// A colour as light. After the first 16 come a cube with six levels of red, green and blue, and 24 greys.
fn rgb(colour: Colour) -> Rgb {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match colour {
        Colour::Exact(red, green, blue) => (red, green, blue),
        Colour::Number(number) => match number {
            0..=15 => SIXTEEN.get(usize::from(number)).copied().unwrap_or(FOREGROUND),
            16..=231 => {
                let place = number - 16;
                (level(place / 36), level(place / 6 % 6), level(place % 6))
            }
            232..=255 => {
                let grey = 8 + 10 * (number - 232);
                (grey, grey, grey)
            }
        },
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

#[cfg(test)]
mod tests {
    use guest_tests::sgr::{Colour, cells};

    use super::{picture, rgb};

    #[test]
    fn backgrounds_and_letters_stand_in_their_places() {
        let svg = picture("a&b", &cells(" \x1b[7m x<y \x1b[0m\n\x1b[2mz"), (8, 2));
        assert!(svg.contains("<title>kmodtrace: a&amp;b</title>"), "{svg}");
        assert!(
            svg.contains("<rect x=\"18\" y=\"9\" width=\"45\" height=\"18\" fill=\"#d8d8d8\"/>"),
            "{svg}"
        );
        assert!(svg.contains("<text x=\"27\" y=\"23\" textLength=\"27\""), "{svg}");
        assert!(svg.contains(">x&lt;y</text>"), "{svg}");
        assert!(svg.contains("opacity=\"0.6\""), "{svg}");
    }

    #[test]
    fn numbers_of_the_cube_and_of_the_greys() {
        assert_eq!(rgb(Colour::Number(16)), (0, 0, 0));
        assert_eq!(rgb(Colour::Number(117)), (135, 215, 255));
        assert_eq!(rgb(Colour::Number(231)), (255, 255, 255));
        assert_eq!(rgb(Colour::Number(255)), (238, 238, 238));
    }
}
