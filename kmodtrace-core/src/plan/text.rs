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
    let width = report.probes.iter().map(|probe| probe.id.len()).max().unwrap_or(0);
    for probe in &report.probes {
        let mark = match probe.status {
            Status::Chosen => "ok",
            Status::Absent => "-",
            Status::Refused => "no",
        };
        let _ = writeln!(out, "{mark:<3} {:<width$}  {}", probe.id, line(probe));
    }
    if !report.unobserved.is_empty() {
        out.push_str("\nnot observed:\n");
        for loss in &report.unobserved {
            let _ = writeln!(out, "- {loss}");
        }
    }
    out.push('\n');
    out.push_str(&verdict(&report.verdict));
    out
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

/// `fentry_x, kprobe_x: reason`, with programs that share a reason together.
fn refusals(probe: &ProbeReport) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for refusal in &probe.refused {
        let programs = refusal.programs.iter().map(String::as_str);
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

fn offers(facts: &KernelFacts) -> String {
    let modules = match facts.environment.modules {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    let lockdown = facts.environment.lockdown.as_deref().unwrap_or("none");
    format!(
        "modules {modules}, BTF {}, trampolines {}, kprobes {}, syscall tracepoints {}, lockdown {lockdown}",
        yes(facts.btf),
        yes(facts.ftrace),
        yes(facts.environment.kprobes),
        yes(facts.environment.tracefs && facts.environment.tracepoints),
    )
}

fn rights(facts: &KernelFacts) -> String {
    let held: Vec<&str> = facts.environment.capabilities.iter().map(String::as_str).collect();
    let held = if held.is_empty() {
        "no capability that helps".to_owned()
    } else {
        held.join(" ")
    };
    let addresses = if facts.addresses { "shown" } else { "hidden" };
    format!(
        "user id {}, {held}, kernel addresses {addresses}",
        facts.environment.uid
    )
}

fn yes(fact: bool) -> &'static str {
    if fact { "yes" } else { "no" }
}
