//! The answer, before any table: what cost most, what hangs, what failed, who asked, and where the time went.

use super::section::{Section, first_of};
use super::{Report, before};
use crate::analysis::account::{AliasRow, Asker, Cost, CriticalRow, InVain, PhaseRow, ServiceRow};
use crate::analysis::why::Reason;
use crate::model::{Ktime, Stage, Zero};
use crate::text::span_text;

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
/// What tells of those that are not told.
const ALL: &str = "--json has all";

/// Its parts, those that there is something to say in.
pub(super) fn sections(report: &Report, zero: Zero) -> Vec<Section> {
    let Some(account) = &report.account else {
        return Vec::new();
    };
    let [failed, harmless] = failures(report.failures.as_deref().unwrap_or_default());
    let parts = [
        costs(&account.costs),
        account.before.as_ref().map(|before| before::section(before, zero)),
        phases(&account.phases, zero),
        critical(&account.critical, zero),
        hanging(report),
        failed,
        harmless,
        in_vain(&account.in_vain),
        askers(&account.askers, &account.services),
        devices(&account.devices),
        stages(&account.stages),
    ];
    parts.into_iter().flatten().collect()
}

fn costs(costs: &[Cost]) -> Option<Section> {
    let most = costs.first().map_or(0, |cost| cost.task_ns);
    let large = |cost: &&Cost| cost.task_ns > 0 && cost.task_ns >= most / SHARE;
    let mut section = Section::new("WHAT COST MOST");
    for cost in costs.iter().filter(large).take(COSTS) {
        section.item(name(cost), &cost.sentence);
    }
    section.some()
}

fn phases(phases: &[PhaseRow], zero: Zero) -> Option<Section> {
    let mut section = Section::new("PHASES OF THE BOOT");
    for row in phases {
        let counts = besides(row.duplicates, row.failed);
        let many = if row.loads == 1 { "" } else { "s" };
        let first = row
            .first_ns
            .map_or_else(String::new, |first| format!(" from {} on", zero.text(Ktime(first))));
        let waited = match row.waited_ns {
            0 => String::new(),
            waited => format!(", tasks waited {} in all", span_text(waited)),
        };
        let sentence = format!(
            "{} load{many}{first}{counts}; in flight for {}{waited}",
            row.loads,
            span_text(row.in_flight_ns)
        );
        section.item(row.phase.text(), sentence);
    }
    section.some()
}

/// The units that took a hundredth of the boot or more.
fn critical(rows: &[CriticalRow], zero: Zero) -> Option<Section> {
    let last = rows.last()?;
    let many = |row: &&CriticalRow| row.added_ns >= last.active_ns / 100;
    let mut section = Section::new(format!(
        "CRITICAL PATH to {}, by systemd's times, and the loads meanwhile",
        last.unit
    ));
    for row in rows.iter().filter(many) {
        let (added, until) = (span_text(row.added_ns), zero.text(Ktime(row.active_ns)));
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
        section.item(&row.unit, format!("{added} until {until}; {loads}{own}"));
    }
    Some(section)
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

fn hanging(report: &Report) -> Option<Section> {
    let hanging = report.hanging.as_deref().unwrap_or_default();
    headlines(
        "WHAT STILL HANGS at the end of the recording",
        hanging.iter().map(|hang| &hang.headline),
    )
}

/// Those to care about, and the others.
fn failures(all: &[Reason]) -> [Option<Section>; 2] {
    let of = |title: &str, harmless: bool| {
        let these = all.iter().filter(|reason| reason.harmless == harmless);
        headlines(title, these.map(|reason| &reason.headline))
    };
    [
        of("WHAT FAILED (kmodtrace why: how it came about, and what to do)", false),
        of("HARMLESS", true),
    ]
}

/// The first of what `why` tells of.
fn headlines<'r>(title: &str, all: impl Iterator<Item = &'r String>) -> Option<Section> {
    let all: Vec<&String> = all.collect();
    let mut section = Section::new(title);
    for headline in all.iter().take(FAILURES) {
        section.sentence(*headline);
    }
    section.more(all.len(), FAILURES, "kmodtrace why tells of all");
    section.some()
}

/// What a boot could do without.
fn in_vain(rows: &[InVain]) -> Option<Section> {
    let mut section = Section::new("IN VAIN EACH TIME, and what to change");
    for row in rows.iter().take(FAILURES) {
        section.item(row.module.as_deref().unwrap_or("requests"), &row.sentence);
    }
    section.more(rows.len(), FAILURES, ALL);
    section.some()
}

fn askers(askers: &[Asker], services: &[ServiceRow]) -> Option<Section> {
    let mut section = Section::new("WHO ASKED");
    for asker in askers.iter().take(ASKERS) {
        let many = if asker.loads == 1 { "" } else { "s" };
        let how = if asker.by_request {
            ", by requests of the kernel"
        } else {
            ""
        };
        let sentence = format!("{} load{many}{how}, {} in all", asker.loads, span_text(asker.task_ns));
        section.item(&asker.comm, sentence);
    }
    section.more(askers.len(), ASKERS, ALL);
    // Services, and whatever else has a cgroup; nothing where all is in one.
    if services.len() > 1 {
        let told = services.iter().take(ASKERS).map(|row| {
            let many = if row.loads == 1 { "" } else { "s" };
            format!("{} {} load{many}, {}", row.name(), row.loads, span_text(row.task_ns))
        });
        section.sentence(format!("by cgroup: {}", told.collect::<Vec<_>>().join("; ")));
        section.more(services.len(), ASKERS, ALL);
    }
    section.some()
}

/// Aliases of devices, with the modules that udev loaded for them.
fn devices(rows: &[AliasRow]) -> Option<Section> {
    let mut section = Section::new("FOR WHICH DEVICES, by the alias that udev looked up");
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
        section.sentence(format!(
            "{what}: {place}, {} load{}{}, {} in all: {modules}",
            row.loads,
            plural(row.loads),
            counts,
            span_text(row.task_ns)
        ));
    }
    section.more(rows.len(), ASKERS, ALL);
    section.some()
}

/// Its beginning, where it is longer than this.
fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// Sums over all loads, most first; what took no part worth a word is left out.
fn stages(stages: &[(Stage, u64)]) -> Option<Section> {
    let all: u64 = stages.iter().map(|(_, long)| *long).fold(0, u64::saturating_add);
    let told = stages
        .iter()
        .take(STAGES)
        .filter(|(_, long)| *long > 0 && *long >= all / 200);
    let told: Vec<String> = told
        .map(|(stage, long)| format!("{} {}", stage.name(), span_text(*long)))
        .collect();
    let mut section = Section::new("WHERE THE TIME WENT, by stage, all loads added up");
    if !told.is_empty() {
        section.sentence(told.join(", "));
    }
    section.some()
}
