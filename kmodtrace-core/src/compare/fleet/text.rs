//! A fleet for people.

use std::io::{self, Write};

use super::extreme::ENOUGH;
use super::group::COMPARED;
use super::{Far, Fleet, FleetRow, Group, GroupKind};
use crate::compare::diff::{About, Measured, value_or_none};
use crate::measures::Unit;
use crate::model::calendar;
use crate::text::{Grid, write_wrapped};

/// Modules that are listed, where nobody asks for another number.
const MODULES: usize = 12;
/// Measures that are listed of those in which some recordings are far from the others, and recordings of each.
const FAR: usize = 12;
const FARTHEST: usize = 3;
/// Differences that are listed of a group.
const DIFFERENCES: usize = 6;
/// Columns that a line takes.
const COLUMNS: usize = 120;

/// Writes what a recording is like, what cost most, what is far from the others, and which groups differ. `modules` is how many are listed.
pub fn write_text(fleet: &Fleet, modules: Option<usize>, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let columns = columns.min(COLUMNS);
    for line in head(fleet) {
        write_wrapped(&line, "", "  ", columns, out)?;
    }
    let all = |row: &&FleetRow| *row.measure.subject == About::All;
    table(
        "A RECORDING HAS",
        fleet.rows.iter().filter(all),
        usize::MAX,
        columns,
        out,
    )?;
    let loads = |row: &&FleetRow| &*row.measure.name == super::LOAD_TOTAL;
    let most = modules.unwrap_or(MODULES);
    table(
        "LOADS OF A MODULE TAKE",
        fleet.rows.iter().filter(loads),
        most,
        columns,
        out,
    )?;
    far(fleet, columns, out)?;
    groups(fleet, columns, out)
}

fn head(fleet: &Fleet) -> Vec<String> {
    let many = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let began = fleet.began_unix_ns.map_or_else(String::new, |(first, last)| {
        let at = |unix_ns: u64| calendar(unix_ns / 1_000_000_000);
        format!(", begun from {} to {} UTC", at(first), at(last))
    });
    let mut first = vec![format!(
        "{}: {}{began}; lost, missed or clipped {}",
        fleet.name,
        many(fleet.recordings, "recording"),
        fleet.missing
    )];
    first.extend((fleet.truncated > 0).then(|| format!("{} end early", fleet.truncated)));
    let unread = || {
        format!(
            "{} more could not be read whole, and are in nothing below",
            fleet.unread
        )
    };
    first.extend((fleet.unread > 0).then(unread));
    let kernels = fleet.groups.iter().filter_map(|group| match &group.kind {
        GroupKind::Kernel { release } => Some(format!("{release} ({})", group.recordings)),
        GroupKind::Tag { .. } => None,
    });
    let kernels: Vec<String> = kernels.collect();
    let mut head = vec![first.join("; ")];
    if !kernels.is_empty() {
        head.push(format!("Linux {}", kernels.join(", ")));
    }
    if fleet.more_groups {
        head.push(format!(
            "there are more kernels and tags: the first {COMPARED} by their names are compared"
        ));
    }
    if fleet.more {
        head.push("there are more measures: the first 65,536 by the names of modules and requests are told".to_owned());
    }
    head
}

fn table<'f>(
    title: &str,
    rows: impl Iterator<Item = &'f FleetRow>,
    most: usize,
    columns: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let rows: Vec<&FleetRow> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    let mut grid = Grid::new(&["<", "IN", "MEDIAN", "p90", "p99", "MAX", "ALL"]);
    for row in rows.iter().take(most) {
        let value = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| row.measure.unit.text(value));
        grid.row(vec![
            name(&row.measure),
            row.above_zero.to_string(),
            value(row.median),
            value(row.p90),
            value(row.p99),
            value(row.max),
            value(Some(row.total)),
        ]);
    }
    writeln!(out, "\n{title}")?;
    grid.write(columns, out)?;
    and_more(rows.len(), most, out)
}

fn far(fleet: &Fleet, columns: usize, out: &mut impl Write) -> io::Result<()> {
    if fleet.recordings == 0 {
        return Ok(());
    }
    if fleet.recordings < ENOUGH {
        return writeln!(
            out,
            "\ntoo few recordings to say which are far from the others: {ENOUGH} are needed"
        );
    }
    if fleet.far.is_empty() {
        return writeln!(out, "\nno recording is far from the others");
    }
    let mut grid = Grid::new(&["<", "IN", "MEDIAN", "MORE THAN", "<FARTHEST"]);
    for far in fleet.far.iter().take(FAR) {
        let unit = far.measure.unit;
        grid.row(vec![
            name(&far.measure),
            far.recordings.to_string(),
            unit.text(far.median),
            unit.text(far.fence),
            farthest(far, unit),
        ]);
    }
    writeln!(
        out,
        "\nFAR FROM THE OTHERS: three times the distance between the quartiles above the upper one (Tukey's outer fence)"
    )?;
    grid.write(columns, out)?;
    and_more(fleet.far.len(), FAR, out)
}

fn farthest(far: &Far, unit: Unit) -> String {
    let named = far.farthest.iter().take(FARTHEST).map(|one| {
        let which = one.which.host.as_deref().unwrap_or(&one.which.path);
        format!("{which} {}", unit.text(one.value))
    });
    named.collect::<Vec<String>>().join(", ")
}

fn groups(fleet: &Fleet, columns: usize, out: &mut impl Write) -> io::Result<()> {
    let differing: Vec<&Group> = fleet
        .groups
        .iter()
        .filter(|group| !group.differences.is_empty())
        .collect();
    let comparable = fleet.groups.iter().filter(|group| group.can_differ).count();
    if differing.is_empty() {
        return match (comparable, fleet.groups.len()) {
            (_, 0) => Ok(()),
            (0, _) => writeln!(
                out,
                "\nno kernel and no tag has recordings enough to be compared with the others"
            ),
            (some, _) => writeln!(
                out,
                "\nof {some} kernels and tags none differs from the others by more than chance"
            ),
        };
    }
    let alpha = fleet.limits.alpha * 100.0;
    let factor = fleet.limits.factor;
    writeln!(
        out,
        "\nDIFFERENT FROM ALL OTHERS: in fewer than {alpha} of 100 fleets by chance, and by a factor of {factor} or more"
    )?;
    let mut grid = Grid::new(&["<", "<", "OTHERS' MEDIAN", "ITS MEDIAN", "FACTOR"]);
    for group in &differing {
        for (at, row) in group.differences.iter().take(DIFFERENCES).enumerate() {
            let title = format!("{} ({})", kind(&group.kind), group.recordings);
            grid.row(vec![
                if at == 0 { title } else { String::new() },
                name(&row.measure),
                value_or_none(row.first, row.measure.unit),
                value_or_none(row.second, row.measure.unit),
                row.factor
                    .map_or_else(|| "-".to_owned(), |factor| format!("{factor:.2}")),
            ]);
        }
        if group.differences.len() > DIFFERENCES {
            let rest = format!("and {} more", group.differences.len() - DIFFERENCES);
            grid.row(vec![String::new(), rest, String::new(), String::new(), String::new()]);
        }
    }
    grid.write(columns, out)
}

fn and_more(rows: usize, most: usize, out: &mut impl Write) -> io::Result<()> {
    match rows.saturating_sub(most) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more"),
    }
}

fn kind(kind: &GroupKind) -> String {
    match kind {
        GroupKind::Kernel { release } => format!("Linux {release}"),
        GroupKind::Tag { name, value } => format!("{name}={value}"),
    }
}

/// A measure, as a row is called.
fn name(measure: &Measured) -> String {
    match &*measure.subject {
        About::All => measure.name.to_string(),
        About::Module(module) if &*measure.name == super::LOAD_TOTAL => {
            module.as_deref().unwrap_or("(unknown)").to_owned()
        }
        About::Module(module) => format!("{} {}", module.as_deref().unwrap_or("(unknown)"), measure.name),
        About::Request(request) => format!("request {request} {}", measure.name),
    }
}
