//! The answer, before any table: what cost most, what hangs, what failed, who asked, and where the time went.

use std::io::{self, Write};

use super::section::{first_of, item, more, paragraph, width};
use super::{Report, TextLayout, before};
use crate::analysis::account::{AliasRow, Asker, Cost, CriticalRow, InVain, PhaseRow, ServiceRow};
use crate::model::{Ktime, Stage};
use crate::text::{printable, span_text};

/// Costs that are told: the first screen has room for more, but nobody reads more.
const COSTS: usize = 5;
/// A cost below this share of the greatest is not one of the largest.
const SHARE: u64 = 50;
/// Failures, of a kind each.
const FAILURES: usize = 8;
const ASKERS: usize = 5;
const STAGES: usize = 8;
const MODULES: usize = 6;
/// Characters of an alias: those of processors list some hundred features.
const ALIAS: usize = 60;

pub(super) fn write(report: &Report, layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    let Some(account) = &report.account else {
        return Ok(());
    };
    costs(&account.costs, layout, out)?;
    if let Some(before) = &account.before {
        before::write(before, layout, out)?;
    }
    phases(&account.phases, layout, out)?;
    critical(&account.critical, layout, out)?;
    hanging(report, layout, out)?;
    failures(report, layout, out)?;
    in_vain(&account.in_vain, layout, out)?;
    askers(&account.askers, layout, out)?;
    services(&account.services, layout, out)?;
    devices(&account.devices, layout, out)?;
    stages(&account.stages, layout, out)
}

fn costs(costs: &[Cost], layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    let most = costs.first().map_or(0, |cost| cost.task_ns);
    let large = |cost: &&Cost| cost.task_ns > 0 && cost.task_ns >= most / SHARE;
    let told: Vec<&Cost> = costs.iter().filter(large).take(COSTS).collect();
    if told.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWHAT COST MOST")?;
    let width = width(told.iter().map(|cost| name(cost)));
    for cost in told {
        item(name(cost), &cost.sentence, width, layout, out)?;
    }
    Ok(())
}

fn phases(phases: &[PhaseRow], layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    if phases.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nPHASES OF THE BOOT")?;
    let width = width(phases.iter().map(|row| row.phase.text()));
    for row in phases {
        let counts = besides(row.duplicates, row.failed);
        let many = if row.loads == 1 { "" } else { "s" };
        let first = row.first_ns.map_or_else(String::new, |first| {
            format!(" from {} on", layout.zero.text(Ktime(first)))
        });
        let waited = match row.waited_ns {
            0 => String::new(),
            waited => format!(", tasks waited {} in all", span_text(waited)),
        };
        let sentence = format!(
            "{} load{many}{first}{counts}; in flight for {}{waited}",
            row.loads,
            span_text(row.in_flight_ns)
        );
        item(row.phase.text(), &sentence, width, layout, out)?;
    }
    Ok(())
}

/// The units that took a hundredth of the boot or more.
fn critical(rows: &[CriticalRow], layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    let Some(last) = rows.last() else { return Ok(()) };
    let many = |row: &&CriticalRow| row.added_ns >= last.active_ns / 100;
    writeln!(
        out,
        "\nCRITICAL PATH to {}, by systemd's times, and the loads meanwhile",
        printable(&last.unit)
    )?;
    let width = width(rows.iter().filter(many).map(|row| row.unit.as_str()));
    for row in rows.iter().filter(many) {
        let (added, until) = (span_text(row.added_ns), layout.zero.text(Ktime(row.active_ns)));
        let names = row
            .modules
            .iter()
            .map(|(name, long)| format!("{name} {}", span_text(*long)));
        let loads = if row.modules.is_empty() {
            "no load was in flight".to_owned()
        } else {
            format!(
                "loads in flight for {}: {}",
                span_text(row.in_flight_ns),
                first_of(names, MODULES)
            )
        };
        let own = match row.own_loads {
            None | Some(0) => String::new(),
            Some(1) => ", 1 load of its own".to_owned(),
            Some(own) => format!(", {own} loads of its own"),
        };
        item(
            &row.unit,
            &format!("{added} until {until}; {loads}{own}"),
            width,
            layout,
            out,
        )?;
    }
    Ok(())
}

/// `, 53 duplicate, 8 failed`, or as much of it as there is.
fn besides(duplicates: u64, failed: u64) -> String {
    let counts = [(duplicates, "duplicate"), (failed, "failed")];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, what)| format!(", {count} {what}")).collect();
    counts.concat()
}

fn name(cost: &Cost) -> &str {
    let name = cost.module.as_deref().or(cost.request.as_deref());
    name.filter(|name| !name.is_empty()).unwrap_or("(unknown)")
}

fn hanging(report: &Report, layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    let hanging = report.hanging.as_deref().unwrap_or_default();
    if hanging.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWHAT STILL HANGS at the end of the recording")?;
    for hang in hanging.iter().take(FAILURES) {
        paragraph(&hang.headline, layout, out)?;
    }
    more(hanging.len(), FAILURES, "kmodtrace why tells of all", layout, out)
}

fn failures(report: &Report, layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    let all = report.failures.as_deref().unwrap_or_default();
    let (harmless, failed): (Vec<_>, Vec<_>) = all.iter().partition(|reason| reason.harmless);
    if !failed.is_empty() {
        writeln!(out, "\nWHAT FAILED (kmodtrace why: how it came about, and what to do)")?;
        for reason in failed.iter().take(FAILURES) {
            paragraph(&reason.headline, layout, out)?;
        }
        more(failed.len(), FAILURES, "kmodtrace why tells of all", layout, out)?;
    }
    if !harmless.is_empty() {
        writeln!(out, "\nHARMLESS")?;
        for reason in harmless.iter().take(FAILURES) {
            paragraph(&reason.headline, layout, out)?;
        }
        more(harmless.len(), FAILURES, "kmodtrace why tells of all", layout, out)?;
    }
    Ok(())
}

/// What a boot could do without.
fn in_vain(rows: &[InVain], layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nIN VAIN EACH TIME, and what to change")?;
    let name = |row: &'_ InVain| row.module.clone().unwrap_or_else(|| "requests".to_owned());
    let names: Vec<String> = rows.iter().take(FAILURES).map(name).collect();
    let width = width(names.iter().map(String::as_str));
    for (name, row) in names.iter().zip(rows) {
        item(name, &row.sentence, width, layout, out)?;
    }
    more(rows.len(), FAILURES, "--json has all", layout, out)
}

fn askers(askers: &[Asker], layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    if askers.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWHO ASKED")?;
    let width = width(askers.iter().take(ASKERS).map(|asker| asker.comm.as_str()));
    for asker in askers.iter().take(ASKERS) {
        let many = if asker.loads == 1 { "" } else { "s" };
        let how = if asker.by_request {
            ", by requests of the kernel"
        } else {
            ""
        };
        let sentence = format!("{} load{many}{how}, {} in all", asker.loads, span_text(asker.task_ns));
        item(&asker.comm, &sentence, width, layout, out)?;
    }
    more(askers.len(), ASKERS, "--json has all", layout, out)
}

/// Services, and whatever else has a cgroup; nothing where all is in one.
fn services(rows: &[ServiceRow], layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    if rows.len() < 2 {
        return Ok(());
    }
    let told = rows.iter().take(ASKERS).map(|row| {
        let many = if row.loads == 1 { "" } else { "s" };
        format!("{} {} load{many}, {}", row.name(), row.loads, span_text(row.task_ns))
    });
    let told = told.collect::<Vec<_>>().join("; ");
    paragraph(&format!("by cgroup: {told}"), layout, out)?;
    more(rows.len(), ASKERS, "--json has all", layout, out)
}

/// Aliases of devices, with the modules that udev loaded for them.
fn devices(rows: &[AliasRow], layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nFOR WHICH DEVICES, by the alias that udev looked up")?;
    for row in rows.iter().take(ASKERS) {
        let what = cut(row.alias.as_ref().unwrap_or(&row.device), ALIAS);
        let modules = first_of(row.modules.iter().cloned(), MODULES);
        let counts = besides(row.duplicates, row.failed);
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let place = if row.devices == 1 {
            format!("1 device ({})", row.device)
        } else {
            format!("{} devices ({}, ...)", row.devices, row.device)
        };
        let sentence = format!(
            "{what}: {place}, {} load{}{}, {} in all: {modules}",
            row.loads,
            plural(row.loads),
            counts,
            span_text(row.task_ns)
        );
        paragraph(&sentence, layout, out)?;
    }
    more(rows.len(), ASKERS, "--json has all", layout, out)
}

/// Its beginning, where it is longer than this.
fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// Sums over all loads, most first; what took no part worth a word is left out.
fn stages(stages: &[(Stage, u64)], layout: &TextLayout, out: &mut impl Write) -> io::Result<()> {
    let all: u64 = stages.iter().map(|(_, long)| *long).fold(0, u64::saturating_add);
    let told = stages
        .iter()
        .take(STAGES)
        .filter(|(_, long)| *long > 0 && *long >= all / 200);
    let told: Vec<String> = told
        .map(|(stage, long)| format!("{} {}", stage.name(), span_text(*long)))
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWHERE THE TIME WENT, by stage, all loads added up")?;
    paragraph(&told.join(", "), layout, out)
}
