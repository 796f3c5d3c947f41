//! What a terminal would show: a program writes only what changed, so no text is sure to be in its output as a whole.

use std::fmt;
use std::mem;

/// Characters in rows. It knows what moves the cursor and what clears the screen; colours and modes it passes over.
pub(crate) struct Screen {
    rows: Vec<Vec<char>>,
    /// Row and column of the next character.
    at: (usize, usize),
    within: Within,
    /// The beginning of a character whose end has not come yet.
    rest: Vec<u8>,
}

/// What the next character belongs to.
enum Within {
    Text,
    Escape,
    /// A control sequence, with the parameters so far.
    Control(String),
}

impl Screen {
    pub(crate) fn new(rows: u16, columns: u16) -> Self {
        Self {
            rows: vec![vec![' '; columns.into()]; rows.into()],
            at: (0, 0),
            within: Within::Text,
            rest: Vec::new(),
        }
    }

    /// Takes what was written.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.rest.extend(bytes);
        let bytes = mem::take(&mut self.rest);
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            chunk.valid().chars().for_each(|c| self.character(c));
            if chunks.peek().is_none() {
                self.rest = chunk.invalid().to_vec();
            }
        }
    }

    /// Whether the text is in one of the rows.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.rows
            .iter()
            .any(|row| row.iter().collect::<String>().contains(text))
    }

    fn character(&mut self, c: char) {
        match (mem::replace(&mut self.within, Within::Text), c) {
            (Within::Text, '\x1b') => self.within = Within::Escape,
            (Within::Text, '\r') => self.at.1 = 0,
            (Within::Text, '\n') => self.at.0 += 1,
            (Within::Text, c) => self.put(c),
            (Within::Escape, '[') => self.within = Within::Control(String::new()),
            (Within::Escape, _) => {}
            (Within::Control(parameters), '@'..='~') => self.control(c, &parameters),
            (Within::Control(mut parameters), c) => {
                parameters.push(c);
                self.within = Within::Control(parameters);
            }
        }
    }

    fn put(&mut self, c: char) {
        let (row, column) = self.at;
        if let Some(cell) = self.rows.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = c;
        }
        self.at.1 += 1;
    }

    fn control(&mut self, name: char, parameters: &str) {
        match name {
            'H' => {
                // Numbers begin at 1, and one that is left out is 1.
                let mut numbers = parameters
                    .split(';')
                    .map(|number| number.parse().unwrap_or(1_usize).max(1) - 1);
                self.at = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
            }
            'J' => self.rows.iter_mut().for_each(|row| row.fill(' ')),
            _ => {}
        }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows
            .iter()
            .try_for_each(|row| writeln!(f, "{}", row.iter().collect::<String>().trim_end()))
    }
}
