//! A comparison for people.

use std::io::{self, Write};

use super::{About, Diff, DiffRow, Difference, Set};
use crate::measures::Unit;
use crate::text::printable;

/// Rows that are listed of those that may be chance.
const PERHAPS: usize = 12;

/// Writes what is new or has vanished, what changed, and what cannot be told apart from chance.
pub fn write_text(diff: &Diff, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "A  {}", printable(&set(&diff.first)))?;
    writeln!(out, "B  {}", printable(&set(&diff.second)))?;
    let percent = diff.limits.alpha * 100.0;
    writeln!(
        out,
        "Each run is one sample. Differences listed would appear by chance in fewer than {percent} of 100 comparisons, and are by a factor of at least {}.",
        diff.limits.factor
    )?;
    if !diff.can_decide() {
        let most = diff.first.runs.len().min(diff.second.runs.len());
        writeln!(
            out,
            "{} and {} runs are too few for a verdict ({} a side are needed): the differences below may be noise.",
            diff.first.runs.len(),
            diff.second.runs.len(),
            enough(diff.limits.alpha, most)
        )?;
    }
    let of = |kinds: [Difference; 2]| {
        diff.rows
            .iter()
            .filter(move |row| kinds.contains(&row.verdict))
            .collect::<Vec<_>>()
    };
    section(
        "NEW OR VANISHED",
        &of([Difference::New, Difference::Vanished]),
        usize::MAX,
        out,
    )?;
    section("CHANGED", &of([Difference::More, Difference::Less]), usize::MAX, out)?;
    let perhaps = of([Difference::PerhapsNew, Difference::PerhapsVanished]);
    section(
        "PERHAPS NEW OR VANISHED: so few runs may show it by chance",
        &perhaps,
        PERHAPS,
        out,
    )?;
    if !diff.can_decide() {
        let apart: Vec<&DiffRow> = diff
            .rows
            .iter()
            .filter(|row| row.verdict == Difference::Noise && row.matters(diff.limits))
            .collect();
        section("LARGEST DIFFERENCES, which may be chance", &apart, PERHAPS, out)?;
    }
    if diff.differences().next().is_none() {
        writeln!(out, "\nno difference that is more than noise")?;
    }
    let count = |verdict| diff.rows.iter().filter(|row| row.verdict == verdict).count();
    writeln!(
        out,
        "\n{} measures: {} within noise, {} that differ by less than would matter",
        diff.rows.len(),
        count(Difference::Noise),
        count(Difference::Small)
    )?;
    if diff.more {
        writeln!(
            out,
            "there are more measures, which are not compared: those above are the first by the names of modules and requests"
        )?;
    }
    if !diff.unobserved.is_empty() {
        writeln!(
            out,
            "not compared, because some run did not observe it: {}",
            printable(&diff.unobserved.join(", "))
        )?;
    }
    Ok(())
}

/// How many runs of each side can show a difference.
fn enough(alpha: f64, from: usize) -> usize {
    (from.max(1)..64)
        .find(|runs| super::rank::least(*runs, *runs) <= alpha)
        .unwrap_or(64)
}

fn set(set: &Set) -> String {
    let runs = match set.runs.as_slice() {
        [one] => one.clone(),
        [first, .., last] => format!("{} runs, {first} to {last}", set.runs.len()),
        [] => "no run".to_owned(),
    };
    format!(
        "{runs}: Linux {}; lost, missed or clipped {}",
        set.kernels.join(", "),
        set.missing
    )
}

fn section(title: &str, rows: &[&DiffRow], most: usize, out: &mut impl Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let shown = &rows[..rows.len().min(most)];
    let names: Vec<(String, String)> = shown
        .iter()
        .map(|row| (subject(&row.measure.subject), &row.measure.name))
        .map(|(about, what)| (printable(&about).into_owned(), printable(what).into_owned()))
        .collect();
    let widest = |of: fn(&(String, String)) -> usize| names.iter().map(of).max().unwrap_or_default();
    let (about, what) = (widest(|(about, _)| about.len()), widest(|(_, what)| what.len()));
    writeln!(out, "\n{title}")?;
    let blank = about + what + 3;
    writeln!(
        out,
        "  {:blank$}{:>9} {:>9} {:>8} {:>6}",
        "", "A median", "B median", "B / A", "p"
    )?;
    for (row, (name, measure)) in shown.iter().zip(&names) {
        let factor = row
            .factor
            .map_or_else(|| "-".to_owned(), |factor| format!("{factor:.2}"));
        let p = row.p_any.map_or_else(|| "-".to_owned(), chance);
        let (first, second) = (
            value_or_none(row.first, row.measure.unit),
            value_or_none(row.second, row.measure.unit),
        );
        writeln!(
            out,
            "  {name:<about$}  {measure:<what$} {first:>9} {second:>9} {factor:>8} {p:>6}"
        )?;
    }
    if rows.len() > shown.len() {
        writeln!(out, "  and {} more", rows.len() - shown.len())?;
    }
    Ok(())
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
