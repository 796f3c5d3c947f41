//! A captured screen as characters with colours: text between the sequences that choose how it looks (ECMA-48's SGR).

use std::iter::Peekable;
use std::str::Chars;

/// A colour of the terminal's: one of its 256 by number, or one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// One of the 256.
    Number(u8),
    /// Red, green and blue.
    Exact(u8, u8, u8),
}

/// How a character looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute of terminals")]
pub struct Look {
    /// Heavier.
    pub bold: bool,
    /// Fainter.
    pub dim: bool,
    /// Slanted.
    pub italic: bool,
    /// With a line below.
    pub underlined: bool,
    /// Foreground and background change places.
    pub reverse: bool,
    /// The colour of the character, if not the usual one.
    pub foreground: Option<Colour>,
    /// And of what is behind it.
    pub background: Option<Colour>,
}

/// A character on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The character itself.
    pub character: char,
    /// Its look.
    pub look: Look,
}

/// The lines of a captured screen.
pub fn cells(captured: &str) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    // What one line chose holds for the next.
    let mut look = Look::default();
    for line in captured.lines() {
        let mut row = Vec::new();
        let mut rest = line.chars().peekable();
        while let Some(character) = rest.next() {
            if character == '\x1b' {
                if let Some(parameters) = sequence(&mut rest) {
                    look.choose(&parameters);
                }
            } else if !character.is_control() {
                row.push(Cell { character, look });
            }
        }
        rows.push(row);
    }
    rows
}

/// The characters alone, without blanks at the ends of lines.
pub fn text(rows: &[Vec<Cell>]) -> String {
    let line = |row: &Vec<Cell>| {
        let line: String = row.iter().map(|cell| cell.character).collect();
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

/// Takes a sequence after its ESC. The parameters of one that chooses a look; none for any other.
fn sequence(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    rest.next_if_eq(&'[')?;
    let mut parameters = String::new();
    for character in rest.by_ref() {
        if ('\x40'..='\x7e').contains(&character) {
            return (character == 'm').then_some(parameters);
        }
        parameters.push(character);
    }
    None
}

impl Look {
    /// Does what the numbers of a sequence say. Unknown ones change nothing.
    fn choose(&mut self, parameters: &str) {
        // An empty number is 0.
        let mut numbers = parameters
            .split([';', ':'])
            .map(|number| if number.is_empty() { Ok(0) } else { number.parse::<u8>() })
            .map_while(Result::ok);
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underlined = true,
                7 => self.reverse = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underlined = false,
                27 => self.reverse = false,
                30..=37 => self.foreground = Some(Colour::Number(number - 30)),
                38 => self.foreground = colour(&mut numbers),
                39 => self.foreground = None,
                40..=47 => self.background = Some(Colour::Number(number - 40)),
                48 => self.background = colour(&mut numbers),
                49 => self.background = None,
                90..=97 => self.foreground = Some(Colour::Number(number - 90 + 8)),
                100..=107 => self.background = Some(Colour::Number(number - 100 + 8)),
                _ => {}
            }
        }
    }
}

/// What follows a 38 or 48: 5 and a number, or 2 and three parts.
fn colour(numbers: &mut impl Iterator<Item = u8>) -> Option<Colour> {
    match numbers.next()? {
        5 => numbers.next().map(Colour::Number),
        2 => Some(Colour::Exact(numbers.next()?, numbers.next()?, numbers.next()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Colour, Look, cells, text};

    #[test]
    fn a_look_holds_until_another_is_chosen() {
        let rows = cells("a\x1b[1;31;48;5;117mb\nc\x1b[22;39md\x1b[me\x1b[Kf");
        let shown = |row: usize, column: usize| rows.get(row).and_then(|row| row.get(column)).copied();
        let bold = Look {
            bold: true,
            foreground: Some(Colour::Number(1)),
            background: Some(Colour::Number(117)),
            ..Look::default()
        };
        let cell = |character, look| Some(Cell { character, look });
        assert_eq!(shown(0, 0), cell('a', Look::default()));
        assert_eq!(shown(0, 1), cell('b', bold));
        assert_eq!(shown(1, 0), cell('c', bold));
        let plain = Look {
            bold: false,
            foreground: None,
            ..bold
        };
        assert_eq!(shown(1, 1), cell('d', plain));
        assert_eq!(shown(1, 2), cell('e', Look::default()));
        assert_eq!(text(&rows), "ab\ncdef\n");
    }

    #[test]
    fn colours_of_all_kinds() {
        let look = |sequence: &str| cells(&format!("{sequence}x")).concat().first().map(|cell| cell.look);
        let colours = |sequence| look(sequence).map(|look| (look.foreground, look.background));
        assert_eq!(
            colours("\x1b[38;2;1;2;3;104m"),
            Some((Some(Colour::Exact(1, 2, 3)), Some(Colour::Number(12))))
        );
        assert_eq!(colours("\x1b[38;5m"), Some((None, None)));
        assert_eq!(colours("\x1b[999;31m"), Some((None, None)));
    }
}
