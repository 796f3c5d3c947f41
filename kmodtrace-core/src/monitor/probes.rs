//! The probes, as the header of a recording tells them.

use serde::Deserialize;
use serde_json::Value;

/// A probe, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeLine {
    /// Its name.
    pub id: String,
    /// `chosen`, `absent`, `refused`, `unasked` or `spare`.
    pub status: String,
    /// `fentry load_module`; empty unless chosen.
    pub attached: String,
    /// Why not, what is lost, and what shows the same.
    pub why: String,
}

/// What is used of a `ProbeReport`; headers of other versions may have more or less.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Probe {
    id: String,
    status: String,
    attach: Vec<Attach>,
    refused: Vec<Refusal>,
    absent: Option<String>,
    lost: Option<String>,
    replaced_by: Option<String>,
    family: Option<String>,
}

#[derive(Deserialize)]
struct Attach {
    mechanism: String,
    target: String,
}

#[derive(Deserialize)]
struct Refusal {
    reason: String,
}

/// Every probe of a plan. None where the plan is one that somebody else wrote.
pub(super) fn of_plan(plan: &Value) -> Vec<ProbeLine> {
    let probes = plan.get("probes").and_then(Value::as_array).into_iter().flatten();
    probes
        .filter_map(|probe| Probe::deserialize(probe).ok())
        .map(line)
        .collect()
}

fn line(probe: Probe) -> ProbeLine {
    let attached: Vec<String> = probe
        .attach
        .iter()
        .map(|attach| format!("{} {}", attach.mechanism, attach.target))
        .collect();
    let mut why: Vec<String> = Vec::new();
    why.extend(probe.absent);
    why.extend(probe.refused.into_iter().map(|refusal| refusal.reason));
    if probe.status == "unasked" {
        why.extend(probe.family.map(|family| format!("asked for by --with {family}")));
    }
    why.extend(probe.lost.map(|lost| format!("lost: {lost}")));
    why.extend(probe.replaced_by.map(|other| format!("{other} shows the same")));
    why.dedup();
    ProbeLine {
        id: probe.id,
        status: probe.status,
        attached: attached.join(", "),
        why: why.join("; "),
    }
}
