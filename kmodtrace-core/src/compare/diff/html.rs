//! A comparison as a page: what the text tells, and every run.

use std::io::{self, Write};

use askama::Template;

use super::told::{TITLES, Told, value_or_none};
use super::{Diff, DiffRow};
use crate::picture::Percent;

#[derive(Template)]
#[template(path = "diff.html")]
struct Page<'d> {
    told: Told<'d>,
}

/// Writes the page.
pub fn write_html(diff: &Diff, out: &mut impl Write) -> io::Result<()> {
    let page = Page { told: Told::new(diff) };
    page.write_into(out).map_err(io::Error::other)
}

/// The value of each run as a mark, those of the second side below those of the first.
pub(crate) struct Strip {
    pub(crate) marks: Vec<Mark>,
}

/// A run.
pub(crate) struct Mark {
    pub(crate) x: Percent,
    pub(crate) is_second: bool,
    pub(crate) title: String,
}

impl Strip {
    pub(crate) fn of(row: &DiffRow) -> Self {
        let most = row.first_values.iter().chain(&row.second_values).flatten();
        let most = most.copied().fold(0.0, f64::max);
        let side = |values: &[Option<f64>], is_second| -> Vec<Mark> {
            let values = values.iter().enumerate();
            let marks = values.filter_map(|(at, value)| {
                let name = if is_second { 'B' } else { 'A' };
                let shown = value_or_none(*value, row.measure.unit);
                let share = (*value)? / most;
                Some(Mark {
                    // Away from the edges, so that no mark is cut.
                    x: Percent(3.0 + if share.is_finite() { share * 94.0 } else { 0.0 }),
                    is_second,
                    title: format!("{name}, run {}: {shown}", at + 1),
                })
            });
            marks.collect()
        };
        let marks = [side(&row.first_values, false), side(&row.second_values, true)];
        Self {
            marks: marks.into_iter().flatten().collect(),
        }
    }
}
