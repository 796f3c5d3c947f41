//! What is told of a comparison, in words: every format lays it out in its own way.

use super::{About, Diff, DiffRow, Difference, Set};
use crate::measures::Unit;

/// Rows that are listed of those that may be chance.
const PERHAPS: usize = 12;

/// What there is to say before the rows, the rows, and what there is to say behind them.
pub(crate) struct Told<'d> {
    pub(crate) head: Vec<String>,
    pub(crate) parts: Vec<Part<'d>>,
    pub(crate) end: Vec<String>,
    /// Whether nothing differs by more than chance would do.
    pub(crate) is_noise: bool,
}

/// Rows of one kind.
pub(crate) struct Part<'d> {
    pub(crate) title: &'static str,
    pub(crate) rows: Vec<Row<'d>>,
    /// How many more there are.
    pub(crate) more: usize,
}

/// A row in words.
pub(crate) struct Row<'d> {
    pub(crate) about: String,
    pub(crate) measure: &'d str,
    /// As [`TITLES`] has them.
    pub(crate) cells: [String; 4],
    /// With the value of each run.
    pub(crate) of: &'d DiffRow,
}

/// What the cells of a row are.
pub(crate) const TITLES: [&str; 4] = ["A median", "B median", "B / A", "p"];

impl<'d> Told<'d> {
    pub(crate) fn new(diff: &'d Diff) -> Self {
        Self {
            head: head(diff),
            parts: parts(diff),
            end: end(diff),
            is_noise: diff.differences().next().is_none(),
        }
    }
}

/// The two sides, and what a difference is.
fn head(diff: &Diff) -> Vec<String> {
    let percent = diff.limits.alpha * 100.0;
    let mut head = vec![
        format!("A  {}", set(&diff.first)),
        format!("B  {}", set(&diff.second)),
        format!(
            "Each run is one sample. Differences listed would appear by chance in fewer than {percent} of 100 comparisons, and are by a factor of at least {}.",
            diff.limits.factor
        ),
    ];
    if !diff.can_decide() {
        let most = usize::try_from(diff.first.count.min(diff.second.count)).unwrap_or(usize::MAX);
        head.push(format!(
            "{} and {} runs are too few for a verdict ({} a side are needed): the differences below may be noise.",
            diff.first.count,
            diff.second.count,
            enough(diff.limits.alpha, most)
        ));
    }
    head
}

fn parts(diff: &Diff) -> Vec<Part<'_>> {
    let part = |title, most: usize, takes: &dyn Fn(&DiffRow) -> bool| {
        let all: Vec<&DiffRow> = diff.rows.iter().filter(|row| takes(row)).collect();
        Part {
            title,
            rows: all.iter().take(most).map(|row| Row::new(row)).collect(),
            more: all.len().saturating_sub(most),
        }
    };
    let of = |kinds: [Difference; 2]| move |row: &DiffRow| kinds.contains(&row.verdict);
    let apart = |row: &DiffRow| !diff.can_decide() && row.verdict == Difference::Noise && row.matters(diff.limits);
    let parts = [
        part(
            "NEW OR VANISHED",
            usize::MAX,
            &of([Difference::New, Difference::Vanished]),
        ),
        part("CHANGED", usize::MAX, &of([Difference::More, Difference::Less])),
        part(
            "PERHAPS NEW OR VANISHED: so few runs may show it by chance",
            PERHAPS,
            &of([Difference::PerhapsNew, Difference::PerhapsVanished]),
        ),
        part("LARGEST DIFFERENCES, which may be chance", PERHAPS, &apart),
    ];
    parts.into_iter().filter(|part| !part.rows.is_empty()).collect()
}

fn end(diff: &Diff) -> Vec<String> {
    let count = |verdict| diff.rows.iter().filter(|row| row.verdict == verdict).count();
    let mut end = vec![format!(
        "{} measures: {} within noise, {} that differ by less than would matter",
        diff.rows.len(),
        count(Difference::Noise),
        count(Difference::Small)
    )];
    if diff.more {
        end.push(
            "there are more measures, which are not compared: those above are the first by the names of modules and requests"
                .to_owned(),
        );
    }
    if !diff.unobserved.is_empty() {
        end.push(format!(
            "not compared, because some run did not observe it: {}",
            diff.unobserved.join(", ")
        ));
    }
    end
}

impl<'d> Row<'d> {
    fn new(row: &'d DiffRow) -> Self {
        let value = |value| value_or_none(value, row.measure.unit);
        let factor = row
            .factor
            .map_or_else(|| "-".to_owned(), |factor| format!("{factor:.2}"));
        let p = row.p_any.map_or_else(|| "-".to_owned(), chance);
        Self {
            about: subject(&row.measure.subject),
            measure: &row.measure.name,
            cells: [value(row.first), value(row.second), factor, p],
            of: row,
        }
    }
}

/// How many runs of each side can show a difference.
fn enough(alpha: f64, from: usize) -> usize {
    (from.max(1)..64)
        .find(|runs| super::rank::least(*runs, *runs, super::rank::most(1, 2 * *runs)) <= alpha)
        .unwrap_or(64)
}

fn set(set: &Set) -> String {
    let runs = match set.runs.as_slice() {
        [one] => one.clone(),
        [first, .., last] => format!("{} runs, {first} to {last}", set.count),
        [] => "no run".to_owned(),
    };
    format!(
        "{runs}: Linux {}; lost, missed or clipped {}",
        set.kernels.join(", "),
        set.missing
    )
}

/// Three digits of a chance; none is 0.
fn chance(p: f64) -> String {
    if p < 0.000_5 {
        "<0.001".to_owned()
    } else {
        format!("{p:.3}")
    }
}

fn subject(subject: &About) -> String {
    match subject {
        About::All => "(all)".to_owned(),
        About::Module(name) => name.as_deref().unwrap_or("(unknown)").to_owned(),
        About::Request(name) => format!("request {name}"),
    }
}

/// The same where there may be none.
pub(crate) fn value_or_none(value: Option<f64>, unit: Unit) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value_text(value, unit))
}

/// A measure's value with its unit.
pub fn value_text(value: f64, unit: Unit) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "measures are counts and times, and not negative"
    )]
    let whole = value.round() as u64;
    match unit {
        Unit::Count if value.fract() != 0.0 => format!("{value:.1}"),
        _ => unit.text(whole),
    }
}
