//! `kmodtrace check` for people: one line a probe.

use std::fmt::Write as _;

use super::check::{CheckReport, ProbeReport, ProbeStatus};
use super::spec::{Family, Want};
use super::verdict::Feasibility;
use crate::kernel::facts::{KernelFacts, Preemption};
use crate::text::printable;

/// The report as text, ending in a newline. Where tracing works, probe by probe; where it does not, what stands in the way
/// comes first, and of the probes only those that tracing cannot do without.
pub fn render(report: &CheckReport) -> String {
    match &report.verdict {
        Feasibility::Works => {
            let (kernel, surroundings) = (kernel(report), surroundings(report));
            let probes = probes(&report.probes.iter().collect::<Vec<_>>());
            format!("{kernel}{surroundings}\n{probes}\n{}tracing works\n", losses(report))
        }
        Feasibility::CannotTrace { what, why, remedy } => {
            let verdict = format!("cannot trace: {what}\nwhy: {why}\nremedy: {remedy}\n");
            let (kernel, surroundings) = (kernel(report), surroundings(report));
            format!("{kernel}\n{verdict}\n{surroundings}{}", missing(report))
        }
    }
}

/// A line. Facts come from files.
fn shown(line: &str) -> String {
    format!("{}\n", printable(line))
}

fn kernel(report: &CheckReport) -> String {
    let CheckReport { kernel, facts, .. } = report;
    let (release, arch, cpus) = (&kernel.release, &kernel.arch, facts.environment.cpus);
    shown(&format!("kernel   {release} {arch}, {cpus} CPUs"))
}

fn surroundings(report: &CheckReport) -> String {
    let offers = shown(&format!("offers   {}", offers(&report.facts)));
    offers + &shown(&format!("rights   {}", rights(&report.facts)))
}

/// The required probes that cannot be had. Without modules none of them is there, and the verdict has said so.
fn missing(report: &CheckReport) -> String {
    let missing = |probe: &&ProbeReport| probe.want == Want::Required && probe.status == ProbeStatus::Refused;
    let missing: Vec<_> = report.probes.iter().filter(missing).collect();
    if missing.is_empty() || report.facts.environment.modules == Some(false) {
        String::new()
    } else {
        format!("\n{}", probes(&missing))
    }
}

fn probes(probes: &[&ProbeReport]) -> String {
    let width = probes.iter().map(|probe| probe.id.len()).max().unwrap_or(0);
    let mut out = String::new();
    for probe in probes {
        let mark = match probe.status {
            ProbeStatus::Chosen => "ok",
            ProbeStatus::Absent | ProbeStatus::Unasked | ProbeStatus::Spare => "-",
            ProbeStatus::Refused => "no",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{mark:<3} {:<width$}  {}", probe.id, printable(&line(probe)));
    }
    out
}

fn losses(report: &CheckReport) -> String {
    if report.unobserved.is_empty() {
        return String::new();
    }
    let losses: Vec<String> = report
        .unobserved
        .iter()
        .map(|loss| shown(&format!("- {loss}")))
        .collect();
    format!("not observed:\n{}\n", losses.concat())
}

fn line(probe: &ProbeReport) -> String {
    let attached: Vec<String> = probe
        .attach
        .iter()
        .map(|attach| format!("{} {}", attach.mechanism.word(), attach.target))
        .collect();
    let mut refused = refusals(probe);
    if refused.is_empty() && probe.status == ProbeStatus::Refused {
        // Where there are no fprobes it is not even a candidate.
        refused.push_str("no kprobe.multi");
    }
    match probe.status {
        ProbeStatus::Absent => probe.absent.clone().unwrap_or_default(),
        ProbeStatus::Unasked => probe.family.map(Family::how_to_ask).unwrap_or_default(),
        ProbeStatus::Spare => format!("{} shows the same", probe.replaced_by.unwrap_or_default()),
        ProbeStatus::Chosen => {
            let unsure = probe.unsure.then_some(" (not known whether this kernel has it)");
            let refused = (!refused.is_empty()).then(|| format!(" (not {refused})"));
            format!(
                "{}{}{}",
                attached.join(" + "),
                unsure.unwrap_or_default(),
                refused.unwrap_or_default()
            )
        }
        ProbeStatus::Refused => match (probe.lost, probe.replaced_by) {
            (Some(lost), _) if probe.unsure => format!("{refused}; lost, if this kernel has it: {lost}"),
            (Some(lost), _) => format!("{refused}; lost: {lost}"),
            (None, Some(other)) => format!("{refused}; {other} shows the same"),
            (None, None) => refused,
        },
    }
}

/// `fentry, kprobe: reason`, with mechanisms that share a reason together.
fn refusals(probe: &ProbeReport) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for refusal in &probe.refused {
        let words = refusal.mechanisms.iter().map(|mechanism| mechanism.word());
        match groups.iter_mut().find(|(reason, _)| *reason == refusal.reason) {
            Some((_, all)) => all.extend(words),
            None => groups.push((&refusal.reason, words.collect())),
        }
    }
    let groups = groups
        .into_iter()
        .map(|(reason, programs)| format!("{}: {reason}", programs.join(", ")));
    groups.collect::<Vec<_>>().join("; ")
}

/// What the kernel has, and the option that it would take where it has not.
fn offers(facts: &KernelFacts) -> String {
    let environment = &facts.environment;
    let option = |name: &str, has: bool, option: &str| {
        if has {
            format!("{name} yes")
        } else {
            format!("{name} no ({option})")
        }
    };
    let offers = [
        option("modules", environment.modules != Some(false), "CONFIG_MODULES"),
        option("BTF", facts.btf, "CONFIG_DEBUG_INFO_BTF"),
        option("trampolines", facts.ftrace, "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"),
        match facts.fprobe {
            Some(has) => option("fprobes", has, "CONFIG_FPROBE"),
            None => "fprobes unknown".to_owned(),
        },
        option("kprobes", environment.kprobes, "CONFIG_KPROBE_EVENTS"),
        option(
            "system call tracepoints",
            environment.tracepoints,
            "CONFIG_FTRACE_SYSCALLS",
        ),
        format!(
            "preemption {}",
            environment.preemption.map_or("unknown", Preemption::word)
        ),
        format!("lockdown {}", environment.lockdown.as_deref().unwrap_or("none")),
    ];
    offers.join(", ")
}

fn rights(facts: &KernelFacts) -> String {
    let held: Vec<&str> = facts.environment.capabilities.iter().map(String::as_str).collect();
    let held = if held.is_empty() {
        "no capability that helps".to_owned()
    } else {
        held.join(" ")
    };
    let addresses = if facts.addresses { "shown" } else { "hidden" };
    let tracefs = if facts.environment.tracefs {
        "readable"
    } else {
        "not readable"
    };
    let uid = facts.environment.uid;
    format!("user id {uid}, {held}, kernel addresses {addresses}, tracefs {tracefs}")
}
