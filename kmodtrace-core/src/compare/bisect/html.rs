//! A session as a page: one file, no script, nothing fetched. It shows what the table shows, and every run.

use std::io::{self, Write};

use askama::Template;

use super::judge::RunVerdict;
use super::session::time_text;
use super::summary::{MeasureHead, StepRow, Summary, standing};
use super::text::{conclusion, most, terms, what, why};
use crate::compare::diff::{Strip, TITLES, Told, median, value_or_none};
use crate::picture::Percent;
use crate::text::span_text;

#[derive(Template)]
#[template(path = "bisect.html")]
struct Page<'s> {
    conclusion: String,
    terms: Vec<String>,
    damage: &'s [String],
    steps: Vec<Step<'s>>,
    measures: Vec<Measure<'s>>,
    /// The last good commit beside the first bad one.
    told: Option<Told<'s>>,
}

/// A step in words.
struct Step<'s> {
    row: &'s StepRow,
    class: &'static str,
    began: String,
    what: String,
    kernels: String,
    why: String,
    runs: Vec<String>,
}

/// What was measured at each step.
struct Measure<'s> {
    field: &'s str,
    most: String,
    steps: Vec<Measured<'s>>,
}

/// The same at one of them: least, median and most, and each run.
struct Measured<'s> {
    row: &'s StepRow,
    class: &'static str,
    values: [String; 3],
    marks: Vec<Mark>,
}

/// A run.
struct Mark {
    class: &'static str,
    x: Percent,
    title: String,
}

/// Writes the page.
pub fn write_html(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let measures = summary.measures.iter().enumerate();
    let page = Page {
        conclusion: conclusion(summary),
        terms: terms(summary),
        damage: &summary.damage,
        steps: summary.steps.iter().map(Step::new).collect(),
        measures: measures.map(|(at, head)| Measure::new(summary, at, head)).collect(),
        told: summary.diff.as_ref().map(Told::new),
    };
    page.write_into(out).map_err(io::Error::other)
}

fn class(row: &StepRow) -> &'static str {
    match standing(row.known, row.verdict) {
        Some(true) => "good",
        Some(false) => "bad",
        None => "none",
    }
}

fn run_class(verdict: RunVerdict) -> &'static str {
    match verdict {
        RunVerdict::Good => "good",
        RunVerdict::Bad => "bad",
        RunVerdict::Skip | RunVerdict::Untold => "none",
    }
}

impl<'s> Step<'s> {
    fn new(row: &'s StepRow) -> Self {
        let runs = row.runs.iter().map(|run| {
            format!(
                "{}: {}: {}; exit status {} after {}; {}, {}",
                run.number,
                run.verdict.name(),
                run.why,
                run.status,
                span_text(run.duration_ns),
                run.recording.as_deref().unwrap_or("no recording"),
                run.console
            )
        });
        Self {
            row,
            class: class(row),
            began: time_text(row.began_ns),
            what: what(row),
            kernels: row.kernels.join(", "),
            why: why(row),
            runs: runs.collect(),
        }
    }

    fn commit(&self) -> &str {
        self.row.commit.as_ref().map_or("-", |commit| commit.short())
    }
}

impl<'s> Measure<'s> {
    fn new(summary: &'s Summary, at: usize, head: &'s MeasureHead) -> Self {
        let most = most(summary, at);
        let text = |value: Option<f64>| value_or_none(value, head.unit);
        let steps = summary.steps.iter().map(|row| {
            let values = row.values(at);
            let marks = row.runs.iter().filter_map(|run| {
                let value = run.values.get(at).copied().flatten()?;
                let share = if most > 0.0 { value / most } else { 0.0 };
                Some(Mark {
                    class: run_class(run.verdict),
                    // Away from the edges, so that no mark is cut.
                    x: Percent(3.0 + share * 94.0),
                    title: format!("run {}: {}", run.number, text(Some(value))),
                })
            });
            Measured {
                row,
                class: class(row),
                values: [values.first().copied(), median(&values), values.last().copied()].map(text),
                marks: marks.collect(),
            }
        });
        Self {
            field: &head.field,
            most: text(Some(most)),
            steps: steps.collect(),
        }
    }
}
