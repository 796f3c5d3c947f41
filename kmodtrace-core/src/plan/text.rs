//! `kmodtrace check` for people: one line a probe.

use std::fmt::Write as _;

use super::check::{CheckReport, ProbeReport, Status};
use super::verdict::Verdict;
use crate::facts::KernelFacts;

/// The report as text, ending in a newline.
pub fn render(report: &CheckReport) -> String {
    let mut out = String::new();
    let environment = &report.facts.environment;
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "kernel   {} {}, {} CPUs",
        report.kernel.release, report.kernel.arch, environment.cpus
    );
    let _ = writeln!(out, "offers   {}", offers(&report.facts));
    let _ = writeln!(out, "rights   {}", rights(&report.facts));
    out.push('\n');
    // Without modules nothing of this is there, and every line would say so again.
    if environment.modules != Some(false) {
        probes(&mut out, report);
        out.push('\n');
    }
    out.push_str(&verdict(&report.verdict));
    out
}

fn probes(out: &mut String, report: &CheckReport) {
    let width = report.probes.iter().map(|probe| probe.id.len()).max().unwrap_or(0);
    for probe in &report.probes {
        let mark = match probe.status {
            Status::Chosen => "ok",
            Status::Absent => "-",
            Status::Refused => "no",
        };
        let _ = writeln!(out, "{mark:<3} {:<width$}  {}", probe.id, line(probe));
    }
    if report.verdict == Verdict::Works && !report.unobserved.is_empty() {
        out.push_str("\nnot observed:\n");
        for loss in &report.unobserved {
            let _ = writeln!(out, "- {loss}");
        }
    }
}

/// What stands between a person and a trace, or that nothing does.
fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Works => "tracing works\n".to_owned(),
        Verdict::CannotTrace { what, why, remedy } => format!("cannot trace: {what}\nwhy: {why}\nremedy: {remedy}\n"),
    }
}

fn line(probe: &ProbeReport) -> String {
    let attached: Vec<String> = probe
        .attach
        .iter()
        .map(|attach| format!("{} {}", attach.mechanism.word(), attach.target))
        .collect();
    let refused = refusals(probe);
    match probe.status {
        Status::Absent => probe.absent.clone().unwrap_or_default(),
        Status::Chosen if refused.is_empty() => attached.join(" + "),
        Status::Chosen => format!("{} (not {refused})", attached.join(" + ")),
        Status::Refused => match (probe.lost, probe.replaced_by) {
            (Some(lost), _) => format!("{refused}; lost: {lost}"),
            (None, Some(other)) => format!("{refused}; {other} shows the same"),
            (None, None) => refused,
        },
    }
}

/// `fentry, kprobe: reason`, with programs that share a reason together, and without the function that the line begins with.
fn refusals(probe: &ProbeReport) -> String {
    let function = probe.id.split('.').next().unwrap_or(probe.id);
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for refusal in &probe.refused {
        let programs = refusal.programs.iter().map(|program| {
            let mechanism = program
                .strip_suffix(function)
                .and_then(|mechanism| mechanism.strip_suffix('_'));
            mechanism.unwrap_or(program)
        });
        match groups.iter_mut().find(|(reason, _)| *reason == refusal.reason) {
            Some((_, all)) => all.extend(programs),
            None => groups.push((&refusal.reason, programs.collect())),
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
        option("kprobes", environment.kprobes, "CONFIG_KPROBE_EVENTS"),
        option(
            "system call tracepoints",
            environment.tracepoints,
            "CONFIG_FTRACE_SYSCALLS",
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
