//! What `kmodtrace check` shows, as data.

use schemars::JsonSchema;
use serde::Serialize;

use super::resolve::{Attachment, Plan, PlannedProbe};
use super::spec::{AttachStage, Family, Mechanism, Want};
use super::verdict::{Feasibility, verdict};
use crate::kernel::facts::KernelFacts;

/// Name and version of the JSON form of [`CheckReport`].
pub const CHECK_SCHEMA: &str = "kmodtrace.check/1";

/// The plan of a kernel, its verdict, and the facts that both follow from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CheckReport {
    /// [`CHECK_SCHEMA`].
    pub schema: &'static str,
    /// Which kernel.
    pub kernel: KernelName,
    /// Whether tracing works.
    pub verdict: Feasibility,
    /// Every probe, in the order in which a load passes them.
    pub probes: Vec<ProbeReport>,
    /// What is lost, in clauses for users.
    pub unobserved: Vec<String>,
    /// What was found. `kmodtrace check --facts` reads it back.
    pub facts: KernelFacts,
}

/// A kernel's name.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KernelName {
    /// `uname -r`.
    pub release: String,
    /// `uname -m`.
    pub arch: String,
}

/// A probe on this kernel.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProbeReport {
    /// Its name.
    pub id: &'static str,
    /// The part of a load that it belongs to.
    pub stage: AttachStage,
    /// How much depends on it.
    pub want: Want,
    /// The family that it belongs to: it is attached when that is asked for.
    pub family: Option<Family>,
    /// What became of it.
    pub status: ProbeStatus,
    /// What is attached; empty unless chosen.
    pub attach: Vec<Attachment>,
    /// Better candidates, or all of them, that could not be had.
    pub refused: Vec<Refusal>,
    /// Why this kernel has nothing to see here.
    pub absent: Option<String>,
    /// Whether nobody knows if this kernel has anything to see here: it is tried.
    pub unsure: bool,
    /// What is lost; null when nothing is.
    pub lost: Option<&'static str>,
    /// The probe that shows the same, when this one is refused.
    pub replaced_by: Option<&'static str>,
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeStatus {
    /// It is attached.
    Chosen,
    /// This kernel does not have the mechanism: nothing is lost.
    Absent,
    /// No candidate can be had.
    Refused,
    /// Nobody asked for its family.
    Unasked,
    /// Another probe shows the same, and this one is there for kernels where it cannot be had.
    Spare,
}

/// A candidate that could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refusal {
    /// Its programs.
    pub programs: Vec<String>,
    /// How each of them would have been attached.
    pub mechanisms: Vec<Mechanism>,
    /// Why.
    pub reason: String,
}

/// The report of a plan, as it was resolved or as attaching left it.
pub fn check(facts: &KernelFacts, plan: &Plan) -> CheckReport {
    CheckReport {
        schema: CHECK_SCHEMA,
        kernel: KernelName {
            release: facts.environment.release.clone(),
            arch: facts.environment.arch.clone(),
        },
        verdict: verdict(facts, plan),
        probes: plan.probes.iter().map(|probe| report(plan, probe)).collect(),
        unobserved: plan.unobserved(),
        facts: facts.clone(),
    }
}

fn report(plan: &Plan, probe: &PlannedProbe) -> ProbeReport {
    let chosen = probe.chosen();
    let status = match (&probe.absent, probe.unasked, chosen) {
        (Some(_), _, _) => ProbeStatus::Absent,
        (None, Some(_), _) => ProbeStatus::Unasked,
        (None, None, Some(_)) if plan.is_spared(probe) => ProbeStatus::Spare,
        (None, None, Some(_)) => ProbeStatus::Chosen,
        (None, None, None) => ProbeStatus::Refused,
    };
    let attached = chosen.filter(|_| status == ProbeStatus::Chosen);
    let replaced = status == ProbeStatus::Spare || status == ProbeStatus::Refused && plan.is_replaced(probe);
    let lost = matches!(status, ProbeStatus::Refused | ProbeStatus::Unasked) && !replaced;
    ProbeReport {
        id: probe.spec.id,
        stage: probe.spec.stage,
        want: probe.spec.want,
        family: probe.spec.family,
        status,
        attach: attached.map_or_else(Vec::new, |choice| choice.attach.clone()),
        refused: probe
            .refused()
            .map(|(choice, reason)| Refusal {
                programs: choice.attach.iter().map(|attach| attach.program.clone()).collect(),
                mechanisms: choice.attach.iter().map(|attach| attach.mechanism).collect(),
                reason: reason.to_owned(),
            })
            .collect(),
        absent: probe.absent.clone(),
        unsure: probe.unsure,
        lost: lost.then_some(probe.spec.loses),
        replaced_by: probe.spec.replaced_by.filter(|_| replaced),
    }
}
