//! A graph drawn in layers: each name stands left of those that it has an arrow to.

use std::collections::BTreeMap;

use askama::Template;

use crate::text::{printable, span_text};

/// Arrows at most, those with most time.
const ARROWS: usize = 80;
/// Letters of a name that are shown.
const LETTERS: usize = 24;
/// Pixels of a box, and from one to the next.
const BOX: (u32, u32) = (170, 30);
const STEP: (u32, u32) = (290, 40);
const EDGE: u32 = 10;

/// Time from one name to another, and in a few words what it is.
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) nanos: u64,
    pub(crate) words: String,
    /// Part of a circle in which all wait for each other.
    pub(crate) stuck: bool,
}

/// A picture.
#[derive(Template)]
#[template(path = "layers.svg", escape = "html")]
pub(crate) struct Layers {
    title: String,
    width: u32,
    height: u32,
    boxes: Vec<Placed>,
    lines: Vec<Line>,
    /// Arrows that are not drawn.
    more: usize,
}

struct Placed {
    x: u32,
    y: u32,
    text: String,
    title: String,
    /// Of an arrow to itself.
    words: String,
}

struct Line {
    from: (u32, u32),
    to: (u32, u32),
    /// Where its words stand.
    middle: (u32, u32),
    /// Where the curve is steered from, left and right.
    bend: (u32, u32),
    /// Pixels.
    thick: u32,
    words: String,
    title: String,
    stuck: bool,
}

impl Layers {
    pub(crate) fn new(title: &str, mut arrows: Vec<Arrow>) -> Self {
        arrows.sort_by(|a, b| b.stuck.cmp(&a.stuck).then(b.nanos.cmp(&a.nanos)));
        let more = arrows.len().saturating_sub(ARROWS);
        arrows.truncate(ARROWS);
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for arrow in &arrows {
            for name in [&arrow.from, &arrow.to] {
                let next = numbers.len();
                numbers.entry(name).or_insert(next);
            }
        }
        let pairs: Vec<(usize, usize)> = arrows
            .iter()
            .filter_map(|arrow| Some((*numbers.get(arrow.from.as_str())?, *numbers.get(arrow.to.as_str())?)))
            .collect();
        let (columns, rows) = places(numbers.len(), &pairs);
        let place = |number: usize| {
            let at = |places: &[u32]| places.get(number).copied().unwrap_or_default();
            (EDGE + at(&columns) * STEP.0, 2 * EDGE + 10 + at(&rows) * STEP.1)
        };
        let boxes = numbers.iter().map(|(name, number)| {
            let (x, y) = place(*number);
            let own = arrows.iter().filter(|arrow| arrow.from == *name && arrow.to == *name);
            let own: Vec<&str> = own.map(|arrow| arrow.words.as_str()).collect();
            let words = printable(&own.join(", ")).into_owned();
            let name = printable(name);
            let text: String = name.chars().take(LETTERS).collect();
            Placed {
                x,
                y,
                text,
                title: format!("{name} {words}").trim_end().to_owned(),
                words: words.chars().take(2 * LETTERS).collect(),
            }
        });
        let apart = arrows.iter().zip(&pairs).filter(|(_, (from, to))| from != to);
        let lines = apart.map(|(arrow, (from, to))| {
            let (from, to) = (place(*from), place(*to));
            let from = (from.0 + BOX.0, from.1 + BOX.1 / 2);
            let to = (to.0, to.1 + BOX.1 / 2);
            Line {
                from,
                to,
                middle: ((from.0.midpoint(to.0)).saturating_sub(45), from.1.midpoint(to.1) - 3),
                bend: (from.0 + 60, to.0.saturating_sub(60)),
                thick: thickness(arrow.nanos),
                words: printable(&arrow.words).into_owned(),
                title: printable(&format!("{} to {}: {}", arrow.from, arrow.to, arrow.words)).into_owned(),
                stuck: arrow.stuck,
            }
        });
        let most = |places: &[u32]| places.iter().max().map_or(0, |most| most + 1);
        Self {
            title: format!(
                "{title}; {} in all",
                span_text(arrows.iter().fold(0, |sum, arrow| arrow.nanos.saturating_add(sum)))
            ),
            width: 2 * EDGE + most(&columns) * STEP.0,
            height: 4 * EDGE + most(&rows) * STEP.1,
            lines: lines.collect(),
            boxes: boxes.collect(),
            more,
        }
    }
}

/// How wide an arrow is: one more for each ten times as long, from a millisecond on.
pub(crate) fn thickness(nanos: u64) -> u32 {
    1 + (nanos / 1_000_000).checked_ilog10().unwrap_or_default()
}

/// Columns and rows of so many names with these arrows. What arrows lead to stands right of where they come from, but for those that
/// close a circle.
fn places(names: usize, arrows: &[(usize, usize)]) -> (Vec<u32>, Vec<u32>) {
    let forward = without_circles(names, arrows);
    // Right of the last of those that lead there; no way is longer than there are names.
    let mut columns = vec![0_u32; names];
    for _ in 0..names {
        let mut moved = false;
        for &(from, to) in &forward {
            let least = columns.get(from).map_or(0, |column| column + 1);
            if let Some(column) = columns.get_mut(to).filter(|column| **column < least) {
                *column = least;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let mut rows = vec![0_u32; names];
    for column in 0..=columns.iter().copied().max().unwrap_or_default() {
        let mut here: Vec<usize> = (0..names).filter(|name| columns.get(*name) == Some(&column)).collect();
        // Beside those that lead there, so that few arrows cross; their rows are known.
        here.sort_by_key(|name| {
            let from = forward.iter().filter(|(_, to)| to == name).map(|(from, _)| *from);
            let from: Vec<u64> = from
                .filter_map(|from| rows.get(from).map(|row| u64::from(*row)))
                .collect();
            from.iter().sum::<u64>() * 100 / (from.len() as u64).max(1)
        });
        for (row, name) in (0..).zip(here) {
            if let Some(place) = rows.get_mut(name) {
                *place = row;
            }
        }
    }
    (columns, rows)
}

/// The arrows but for those that lead back to where one came from.
fn without_circles(names: usize, arrows: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut forward: Vec<(usize, usize)> = Vec::new();
    for &(from, to) in arrows {
        let mut reached = vec![false; names];
        let mut next = vec![to];
        while let Some(name) = next.pop() {
            if let Some(seen) = reached.get_mut(name).filter(|seen| !**seen) {
                *seen = true;
                next.extend(forward.iter().filter(|(source, _)| *source == name).map(|(_, to)| *to));
            }
        }
        if reached.get(from) == Some(&false) {
            forward.push((from, to));
        }
    }
    forward
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn arrow(from: &str, to: &str, nanos: u64) -> Arrow {
        Arrow {
            from: from.to_owned(),
            to: to.to_owned(),
            nanos,
            words: "w".to_owned(),
            stuck: false,
        }
    }

    #[test]
    fn arrows_lead_to_the_right_but_for_one_of_a_circle() {
        let (columns, rows) = places(4, &[(0, 1), (1, 2), (0, 2), (3, 2), (2, 0)]);
        assert_eq!(columns, [0, 1, 2, 0]);
        assert_eq!(rows, [0, 0, 0, 1]);
        assert_eq!(without_circles(1, &[(0, 0)]), []);
    }

    #[test]
    fn too_many_are_told_and_names_are_no_markup() {
        let many = (0..100)
            .map(|number| arrow(&format!("<{number}>"), "owner", number))
            .collect();
        let text = Layers::new("waits", many).render().unwrap();
        assert!(
            text.contains("20 more are not drawn") && !text.contains("<99>"),
            "{text}"
        );
        assert!(
            Layers::new("waits", Vec::new())
                .render()
                .unwrap()
                .contains("waits; 0ns in all")
        );
    }
}
