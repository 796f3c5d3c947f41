//! Whether tracing works here, and if not, what a person can do about it.

use schemars::JsonSchema;
use serde::Serialize;

use super::resolve::Plan;
use crate::kernel::facts::KernelFacts;

/// Whether tracing works on this kernel, for this process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Feasibility {
    /// Every required probe can be had.
    Works,
    /// Not.
    CannotTrace {
        /// What does not work.
        what: String,
        /// Why.
        why: String,
        /// What to do.
        remedy: String,
    },
}

/// Looks for the first thing that stands in the way, from the kernel's build to the process's rights.
pub fn verdict(facts: &KernelFacts, plan: &Plan) -> Feasibility {
    no_modules(facts)
        .or_else(|| no_rights(facts))
        .or_else(|| locked_down(facts))
        .or_else(|| no_ring_buffer(facts))
        .or_else(|| no_mechanism(facts))
        .or_else(|| no_probe(plan))
        .unwrap_or(Feasibility::Works)
}

fn cannot(what: &str, why: impl Into<String>, remedy: &str) -> Feasibility {
    Feasibility::CannotTrace {
        what: what.to_owned(),
        why: why.into(),
        remedy: remedy.to_owned(),
    }
}

fn no_modules(facts: &KernelFacts) -> Option<Feasibility> {
    (facts.environment.modules == Some(false)).then(|| {
        cannot(
            "this kernel loads no modules",
            "it was built without CONFIG_MODULES",
            "trace on a kernel with modules, as distributions ship them; recordings made there can be read here",
        )
    })
}

/// Loading takes `bpf_capable` and `perfmon_capable` (include/linux/capability.h): `CAP_SYS_ADMIN` stands for both.
fn no_rights(facts: &KernelFacts) -> Option<Feasibility> {
    if facts.capable("CAP_SYS_ADMIN") {
        return None;
    }
    let missing = ["CAP_BPF", "CAP_PERFMON"]
        .into_iter()
        .filter(|name| !facts.capable(name))
        .collect::<Vec<_>>();
    (!missing.is_empty()).then(|| {
        cannot(
            "this process may not trace the kernel",
            format!("user id {} lacks {}", facts.environment.uid, missing.join(" and ")),
            "run as root, or once: sudo setcap cap_bpf,cap_perfmon,cap_syslog+ep \"$(command -v kmodtrace)\"",
        )
    })
}

/// `LOCKDOWN_BPF_READ_KERNEL` (include/linux/security.h) is above the level of integrity only.
fn locked_down(facts: &KernelFacts) -> Option<Feasibility> {
    (facts.environment.lockdown.as_deref() == Some("confidentiality")).then(|| {
        cannot(
            "BPF programs may not read kernel memory",
            "kernel lockdown is set to confidentiality",
            "boot with lockdown=integrity or without lockdown",
        )
    })
}

/// Records are made in the ring and read from it in their order: perf buffers, which older kernels have, can do neither.
fn no_ring_buffer(facts: &KernelFacts) -> Option<Feasibility> {
    (!facts.has_ring_buffer()).then(|| {
        cannot(
            "this kernel has no BPF ring buffer",
            format!(
                "BPF_MAP_TYPE_RINGBUF came with Linux 5.8, and this is {}",
                facts.environment.release
            ),
            "use a newer kernel; recordings made there can be read here",
        )
    })
}

fn no_mechanism(facts: &KernelFacts) -> Option<Feasibility> {
    let trampolines = facts.btf && facts.ftrace;
    (!trampolines && facts.fprobe != Some(true) && !facts.environment.kprobes).then(|| {
        let missing = if facts.btf {
            "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"
        } else {
            "CONFIG_DEBUG_INFO_BTF"
        };
        cannot(
            "this kernel lets nothing be attached to its functions",
            format!("it was built without {missing} and without CONFIG_KPROBE_EVENTS"),
            "use a kernel with one of them, as distributions ship them",
        )
    })
}

fn no_probe(plan: &Plan) -> Option<Feasibility> {
    let missing: Vec<_> = plan.missing_required().collect();
    let first = missing.first()?;
    let names = missing.iter().map(|probe| probe.spec.id).collect::<Vec<_>>().join(", ");
    let reasons = first.refused().map(|(choice, reason)| {
        choice
            .attach
            .first()
            .map_or_else(|| reason.to_owned(), |attach| format!("{}: {reason}", attach.program))
    });
    Some(cannot(
        &format!("no way to attach {names}"),
        reasons.collect::<Vec<_>>().join("; "),
        "use a kernel built with CONFIG_DEBUG_INFO_BTF or CONFIG_KPROBE_EVENTS; if this one is, report it with the output of: kmodtrace check --json",
    ))
}
