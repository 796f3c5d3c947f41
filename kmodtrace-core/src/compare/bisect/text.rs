//! A session for people, on a terminal.

use std::io::{self, Write};

use super::summary::{StepRow, Summary};
use crate::compare::diff::{self, value_or_none, value_text};
use crate::text::{Grid, printable};

/// Columns of a strip.
const STRIP: usize = 40;

/// Writes the table of steps, what was seen at each of them beside the others, and the first bad one with its difference to
/// the last good one.
pub fn write_text(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    write_terms(summary, out)?;
    if summary.steps.is_empty() {
        writeln!(out, "\nno step yet")?;
    } else {
        write_steps(summary, out)?;
        for measure in 0..summary.measures.len() {
            write_measure(summary, measure, out)?;
        }
    }
    for damage in &summary.damage {
        writeln!(out, "damaged, and not counted: {}", printable(damage))?;
    }
    writeln!(out, "\n{}", printable(&conclusion(summary)))?;
    if let Some(diff) = &summary.diff {
        writeln!(out, "\nThe last good commit (A) beside the first bad one (B)\n")?;
        diff::write_text(diff, out)?;
    }
    Ok(())
}

fn write_terms(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    for line in terms(summary) {
        writeln!(out, "{}", printable(&line))?;
    }
    Ok(())
}

/// What the session goes by, in lines.
pub(super) fn terms(summary: &Summary) -> Vec<String> {
    let terms = &summary.terms;
    let known = format!(
        "each verdict wrong in less than {} of 100; bad commits bad in {} of 100 runs or more, good ones in {} or fewer",
        number((1.0 - terms.confidence) * 100.0),
        number(summary.shares.rate * 100.0),
        number(summary.shares.noise * 100.0)
    );
    terms.rules().chain([known]).collect()
}

/// Three digits, and no more zeros than it has.
fn number(value: f64) -> String {
    let digits = if value >= 10.0 { 0 } else { 2 };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn write_steps(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    let mut grid = Grid::new(&["STEP", "<COMMIT", "<WHAT", "<KERNEL", "RUNS", "BAD", "<VERDICT", "<WHY"]);
    for row in &summary.steps {
        grid.row(vec![
            row.number.to_string(),
            row.commit.as_ref().map_or("-", |commit| commit.short()).to_owned(),
            what(row),
            row.kernels.join(", "),
            row.runs.len().to_string(),
            row.bad_runs().to_string(),
            row.verdict_text().to_owned(),
            why(row),
        ]);
    }
    writeln!(out)?;
    grid.write(usize::MAX, out)
}

/// What a step is called.
pub(super) fn what(row: &StepRow) -> String {
    let subject = row.commit.as_ref().map(|commit| commit.subject.clone());
    let names: Vec<String> = row.label.iter().cloned().chain(subject).collect();
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(": ")
    }
}

/// Why it is what it is: what was told, and what did not come to its end.
pub(super) fn why(row: &StepRow) -> String {
    let interrupted = (!row.interrupted.is_empty()).then(|| {
        let runs: Vec<String> = row.interrupted.iter().map(u32::to_string).collect();
        format!("interrupted: run {}", runs.join(", "))
    });
    let parts: Vec<String> = row.why.iter().cloned().chain(interrupted).collect();
    parts.join("; ")
}

fn write_measure(summary: &Summary, measure: usize, out: &mut impl Write) -> io::Result<()> {
    let head = &summary.measures[measure];
    let most = most(summary, measure);
    writeln!(
        out,
        "\n{}, each run a mark between 0 and {}",
        printable(&head.field),
        value_text(most, head.unit)
    )?;
    let mut grid = Grid::new(&["STEP", "least", "median", "most", "<RUNS", "<VERDICT"]);
    for row in &summary.steps {
        let values = row.values(measure);
        let text = |value: Option<f64>| value_or_none(value, head.unit);
        grid.row(vec![
            row.number.to_string(),
            text(values.first().copied()),
            text(diff::median(&values)),
            text(values.last().copied()),
            format!("|{}|", strip(&values, most)),
            row.verdict_text().to_owned(),
        ]);
    }
    grid.write(usize::MAX, out)
}

/// The largest value of any run, where a strip ends.
pub(super) fn most(summary: &Summary, measure: usize) -> f64 {
    let values = summary.steps.iter().flat_map(|row| row.values(measure));
    values.fold(0.0, f64::max)
}

/// Runs along a line: how many fell into each column.
fn strip(values: &[f64], most: f64) -> String {
    let mut columns = [0_usize; STRIP];
    for value in values {
        columns[column(*value, most)] += 1;
    }
    let sign = |count: &usize| match count {
        0 => '.',
        1..=9 => char::from_digit(u32::try_from(*count).unwrap_or(9), 10).unwrap_or('9'),
        _ => '+',
    };
    columns.iter().map(sign).collect()
}

fn column(value: f64, most: f64) -> usize {
    if most <= 0.0 {
        return 0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a column of forty"
    )]
    let at = (value / most * (STRIP - 1) as f64).round() as usize;
    at.min(STRIP - 1)
}

/// Where the change is, in a sentence or two.
pub(super) fn conclusion(summary: &Summary) -> String {
    let of = |number| summary.step(number);
    let name = |row: &StepRow| {
        let commit = row.commit.as_ref().map_or("-", |commit| commit.short());
        format!("{commit} \"{}\" (step {})", what(row), row.number)
    };
    let conclusion = &summary.conclusion;
    let found = match (
        of(conclusion.first_bad),
        of(conclusion.last_good),
        conclusion.candidates,
    ) {
        (Some(bad), Some(good), Some(1)) => format!("the first bad commit is {}; {} is good", name(bad), name(good)),
        (Some(bad), Some(good), Some(commits)) => format!(
            "the first bad commit is one of {commits}: after {}, up to {}",
            name(good),
            name(bad)
        ),
        (Some(bad), _, _) => format!("{} is bad, and no commit before it is known to be good", name(bad)),
        (None, _, _) => "no commit is known to be bad".to_owned(),
    };
    let against: Vec<String> = conclusion.against.iter().map(u32::to_string).collect();
    if against.is_empty() {
        found
    } else {
        format!(
            "{found}; but step {} is good with more commits below it: on another branch that may be so, on one line one of \
             them is wrong",
            against.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_have_a_mark_for_each_run() {
        let text = strip(&[0.0, 0.0, 8.0, 4.0], 8.0);
        assert_eq!(text.len(), STRIP);
        assert!(text.starts_with('2') && text.ends_with('1'));
        assert_eq!(text.matches(|c: char| c.is_ascii_digit()).count(), 3);
        assert_eq!(strip(&[], 0.0), ".".repeat(STRIP));
        assert!(strip(&[0.0; 12], 0.0).starts_with('+'));
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [1.0, 0.1, 50.0, 33.333, 12.92].map(number),
            ["1", "0.1", "50", "33", "13"]
        );
    }
}
