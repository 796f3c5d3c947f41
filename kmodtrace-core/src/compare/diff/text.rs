//! A comparison for people.

use std::io::{self, Write};

use super::Diff;
use super::told::{Part, TITLES, Told};
use crate::text::printable;

/// Writes what is new or has vanished, what changed, and what cannot be told apart from chance.
pub fn write_text(diff: &Diff, out: &mut impl Write) -> io::Result<()> {
    let told = Told::new(diff);
    for line in &told.head {
        writeln!(out, "{}", printable(line))?;
    }
    for part in &told.parts {
        section(part, out)?;
    }
    if told.is_noise {
        writeln!(out, "\nno difference that is more than noise")?;
    }
    writeln!(out)?;
    told.end
        .iter()
        .try_for_each(|line| writeln!(out, "{}", printable(line)))
}

fn section(part: &Part<'_>, out: &mut impl Write) -> io::Result<()> {
    let names = part.rows.iter();
    let names: Vec<_> = names
        .map(|row| (printable(&row.about), printable(row.measure)))
        .collect();
    let about = names.iter().map(|(about, _)| about.len()).max().unwrap_or_default();
    let what = names.iter().map(|(_, what)| what.len()).max().unwrap_or_default();
    let [first, second, factor, p] = TITLES;
    let blank = about + what + 3;
    writeln!(out, "\n{}", part.title)?;
    writeln!(out, "  {:blank$}{first:>9} {second:>9} {factor:>8} {p:>6}", "")?;
    for (row, (name, measure)) in part.rows.iter().zip(&names) {
        let [first, second, factor, p] = &row.cells;
        writeln!(
            out,
            "  {name:<about$}  {measure:<what$} {first:>9} {second:>9} {factor:>8} {p:>6}"
        )?;
    }
    if part.more > 0 {
        writeln!(out, "  and {} more", part.more)?;
    }
    Ok(())
}
