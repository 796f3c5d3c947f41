//! A flame graph: time by stacks, the outermost name on top, each as wide as its time.

use askama::Template;

use super::{Percent, Stacks};
use crate::text::{printable, span_text};

/// Pixels of a frame, above the first one, and of the whole where it is not drawn wider.
const HEIGHT: u32 = 18;
const TOP: u32 = 24;
const WIDTH: f64 = 1_200.0;
/// Pixels of a letter.
const LETTER: f64 = 6.6;
/// Below this share of all time, in percent, a frame is not drawn.
const LEAST: f64 = 0.02;

/// A picture.
#[derive(Template)]
#[template(path = "flame.svg", escape = "html")]
pub(crate) struct Flame {
    /// What it shows, and how much time that is.
    title: String,
    frames: Vec<Frame>,
    height: u32,
    /// Frames that are too short to be drawn.
    short: usize,
}

struct Frame {
    x: Percent,
    width: Percent,
    y: u32,
    title: String,
    /// As much of its name as there is room for.
    text: String,
    hue: u32,
}

/// A frame whose end is not known yet.
struct Begun<'s> {
    name: &'s str,
    from: u64,
}

impl Flame {
    pub(crate) fn new(what: &str, stacks: &Stacks) -> Self {
        let all = stacks.iter().fold(0_u64, |sum, (_, nanos)| sum.saturating_add(nanos));
        let mut flame = Self {
            title: format!("{what}: {}", span_text(all)),
            frames: Vec::new(),
            height: TOP,
            short: 0,
        };
        let mut begun: Vec<Begun<'_>> = Vec::new();
        let mut at = 0_u64;
        // Those with the same beginning come together, so a frame ends where the next stack has another.
        for (stack, nanos) in stacks.iter() {
            let same = begun
                .iter()
                .zip(stack)
                .take_while(|(one, name)| one.name == *name)
                .count();
            flame.end(&mut begun, same, at, all);
            begun.extend(stack.iter().skip(same).map(|name| Begun { name, from: at }));
            at = at.saturating_add(nanos);
        }
        flame.end(&mut begun, 0, at, all);
        flame
    }

    /// Ends the frames that are deeper than this.
    fn end(&mut self, begun: &mut Vec<Begun<'_>>, depth: usize, at: u64, all: u64) {
        while begun.len() > depth
            && let Some(one) = begun.pop()
        {
            let nanos = at.saturating_sub(one.from);
            let width = Percent::of(nanos, all);
            if width.0 < LEAST {
                self.short += 1;
                continue;
            }
            let y = TOP + HEIGHT * u32::try_from(begun.len()).unwrap_or_default();
            self.height = self.height.max(y + HEIGHT);
            let name = printable(one.name);
            self.frames.push(Frame {
                x: Percent::of(one.from, all),
                width,
                y,
                title: format!("{name}: {}, {:.1} %", span_text(nanos), width.0),
                text: fitting(&name, width),
                // The same name has the same colour.
                hue: crc32fast::hash(one.name.as_bytes()) % 50,
            });
        }
    }
}

/// Nothing where there is no room for three letters.
fn fitting(name: &str, width: Percent) -> String {
    let room = width.0 / 100.0 * WIDTH / LETTER;
    let (all, mut text) = (name.chars().count(), String::new());
    for (at, letter) in (1_u32..).zip(name.chars()) {
        if f64::from(at) + 1.0 > room {
            break;
        }
        text.push(letter);
    }
    match text.chars().count() {
        kept if kept == all => text,
        kept if kept > 4 => {
            text.truncate(text.len().saturating_sub(2));
            text + ".."
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn stacks(all: &[(&[&str], u64)]) -> Stacks {
        let mut stacks = Stacks::default();
        for (stack, nanos) in all {
            stacks.add(stack.iter().map(|name| (*name).to_owned()).collect(), *nanos);
        }
        stacks
    }

    #[test]
    fn frames_lie_below_those_that_they_are_part_of() {
        let flame = Flame::new(
            "time",
            &stacks(&[(&["a", "x"], 100), (&["a", "y"], 200), (&["b"], 100)]),
        );
        let frames: Vec<_> = flame
            .frames
            .iter()
            .map(|frame| (frame.title.as_str(), frame.x.0, frame.width.0, frame.y))
            .collect();
        let below = TOP + HEIGHT;
        assert_eq!(
            frames,
            [
                ("x: 100ns, 25.0 %", 0.0, 25.0, below),
                ("y: 200ns, 50.0 %", 25.0, 50.0, below),
                ("a: 300ns, 75.0 %", 0.0, 75.0, TOP),
                ("b: 100ns, 25.0 %", 75.0, 25.0, TOP),
            ]
        );
    }

    #[test]
    fn what_is_too_short_is_told() {
        let flame = Flame::new("time", &stacks(&[(&["<a>"], 1_000_000), (&["b", "c"], 1)]));
        assert_eq!(flame.short, 2);
        let text = flame.render().unwrap();
        assert!(
            text.contains("too short to be drawn: 2") && !text.contains("<a>"),
            "{text}"
        );
        assert!(
            Flame::new("none", &Stacks::default())
                .render()
                .unwrap()
                .contains("none: 0ns")
        );
    }
}
