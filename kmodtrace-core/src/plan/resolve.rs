//! From catalogue and facts to a plan.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::existence::{self, Answer};
use super::globals::{GLOBALS, GlobalSpec};
use super::judge::refusal;
use super::spec::{Attach, Candidate, Family, Hook, Mechanism, ProbeSpec, Want};
use super::symbol::symbol;
use crate::kernel::facts::KernelFacts;

/// How many returns can be awaited at a time where they take an instance of a pool: of all functions together behind one link, or
/// of each with a kprobe event. A task that sleeps in a load holds about six of one link's. It is the most that tracefs accepts
/// (`KRETPROBE_MAXACTIVE_MAX`, `kernel/trace/trace_kprobe.c`); a link gets twice as many.
pub const RETURNS: u32 = 4096;

/// What is attached on this kernel, what is not, and why.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Every probe of the catalogue, in its order.
    pub probes: Vec<PlannedProbe>,
    /// Globals that this kernel has no value for.
    pub lost_globals: Vec<&'static GlobalSpec>,
    /// Whether returns of kprobe.multi take an instance of a pool, which must be made large enough.
    pub has_return_pool: bool,
    /// Whether the kernel counts what finds that pool empty.
    pub counts_missed_links: bool,
    /// The families that were asked for.
    pub families: BTreeSet<Family>,
}

/// A probe of the catalogue on this kernel.
#[derive(Clone, Debug)]
pub struct PlannedProbe {
    /// What the catalogue says of it.
    pub spec: &'static ProbeSpec,
    /// Why this kernel has nothing to see here, so that nothing is lost.
    pub absent: Option<String>,
    /// Whether nobody knows if this kernel has anything to see here. It is tried all the same.
    pub unsure: bool,
    /// The family that it belongs to, when nobody asked for that.
    pub unasked: Option<Family>,
    choices: Vec<Choice>,
}

/// A candidate on this kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What it attaches.
    pub attach: Vec<Attachment>,
    /// Why it cannot be had.
    pub refused: Option<String>,
}

/// A program and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Attachment {
    /// How it is attached.
    pub mechanism: Mechanism,
    /// The kernel's symbol, or `syscalls:sys_enter_NAME`.
    pub target: String,
    /// The program's name in the BPF object.
    pub program: String,
    /// The fields that the program reads where they are in the format of a tracepoint, and the bytes before each.
    #[serde(skip)]
    pub fields: &'static [(&'static str, u32)],
}

/// Works out the plan, with the families of [`Family::DEFAULT`]. Never fails: what is missing is part of it.
pub fn resolve(catalogue: &'static [ProbeSpec], facts: &KernelFacts) -> Plan {
    let probes = catalogue.iter().map(|spec| {
        let existence = spec
            .exists_if
            .map_or(Answer::Exists, |existence| existence::ask(existence, facts));
        PlannedProbe {
            spec,
            unsure: existence == Answer::Unknown || spec.candidates.iter().any(|candidate| is_unsure(candidate, facts)),
            absent: match existence {
                Answer::Absent(reason) => Some(spec.absence.map_or(reason, str::to_owned)),
                Answer::Exists | Answer::Unknown => None,
            },
            unasked: None,
            choices: choices(spec.candidates, facts),
        }
    });
    let plan = Plan {
        probes: probes.collect(),
        lost_globals: GLOBALS.iter().filter(|global| !global.source.is_known(facts)).collect(),
        has_return_pool: facts.has_return_pool(),
        counts_missed_links: facts.counts_missed_links(),
        families: BTreeSet::new(),
    };
    plan.with(Family::DEFAULT)
}

/// Whether nobody knows if the kernel has the tracepoint.
fn is_unsure(candidate: &Candidate, facts: &KernelFacts) -> bool {
    candidate.attach.iter().any(|attach| match attach.hook {
        Hook::Tracepoint {
            name, symbol, typedef, ..
        } => facts.tracepoint(name, symbol, typedef).is_none(),
        Hook::Function { .. } | Hook::Syscall(_) | Hook::Ia32Syscall(_) => false,
    })
}

/// The candidates in the order of the catalogue; on a kernel that preempts its own code those come last that miss calls there. Where
/// there are no fprobes, or nobody knows, kprobe.multi is not a candidate: what the kernel offers tells, and no probe has to.
fn choices(candidates: &[Candidate], facts: &KernelFacts) -> Vec<Choice> {
    let offered = |candidate: &&Candidate| facts.fprobe == Some(true) || !candidate.is_multi();
    let offered = candidates.iter().filter(offered);
    let mut choices: Vec<_> = offered.map(|candidate| choice(candidate, facts)).collect();
    if facts.preempts() == Some(true) {
        choices.sort_by_key(Choice::is_skipped_when_preempted);
    }
    choices
}

fn choice(candidate: &Candidate, facts: &KernelFacts) -> Choice {
    Choice {
        attach: candidate
            .attach
            .iter()
            .map(|attach| Attachment::new(attach, facts))
            .collect(),
        refused: refusal(candidate, facts),
    }
}

impl Choice {
    fn is_skipped_when_preempted(&self) -> bool {
        let skipped = |attach: &Attachment| attach.mechanism.is_skipped_when_preempted();
        self.attach.iter().any(skipped)
    }
}

impl Attachment {
    fn new(attach: &Attach, facts: &KernelFacts) -> Self {
        let name = attach.hook.name();
        let target = match attach.mechanism {
            Mechanism::Tracepoint => format!("{}:{name}", attach.hook.group()),
            Mechanism::TracepointEnter => format!("syscalls:sys_enter_{name}"),
            Mechanism::TracepointExit => format!("syscalls:sys_exit_{name}"),
            Mechanism::RawTracepoint => name.to_owned(),
            Mechanism::Fentry
            | Mechanism::Fexit
            | Mechanism::KprobeMulti
            | Mechanism::KretprobeMulti
            | Mechanism::Kprobe
            | Mechanism::Kretprobe => {
                let found = symbol(&attach.hook, facts).map(|symbol| symbol.name.to_owned());
                let named = || attach.hook.symbol(&facts.environment.arch);
                found.ok().or_else(named).unwrap_or_else(|| name.to_owned())
            }
        };
        Self {
            mechanism: attach.mechanism,
            target,
            program: attach.program(),
            fields: attach.hook.fields(),
        }
    }

    /// Category and name, for a tracepoint.
    pub fn tracepoint(&self) -> Option<(&str, &str)> {
        self.target.split_once(':')
    }
}

impl PlannedProbe {
    /// The candidate to attach: the first one that nothing speaks against.
    pub fn chosen(&self) -> Option<&Choice> {
        if !self.is_tried() {
            return None;
        }
        self.choices.iter().find(|choice| choice.refused.is_none())
    }

    fn is_tried(&self) -> bool {
        self.absent.is_none() && self.unasked.is_none()
    }

    /// The candidates that would have been better, each with its reason.
    pub fn refused(&self) -> impl Iterator<Item = (&Choice, &str)> {
        let tried = if self.is_tried() { self.choices.as_slice() } else { &[] };
        tried
            .iter()
            .map_while(|choice| choice.refused.as_deref().map(|reason| (choice, reason)))
    }
}

impl Plan {
    /// The same with exactly these families.
    #[must_use]
    pub fn with(mut self, families: impl IntoIterator<Item = Family>) -> Self {
        self.families = families.into_iter().collect();
        for probe in &mut self.probes {
            probe.unasked = probe.spec.family.filter(|family| !self.families.contains(family));
        }
        self
    }

    /// A probe by its id.
    pub fn probe(&self, id: &str) -> Option<&PlannedProbe> {
        self.probes.iter().find(|probe| probe.spec.id == id)
    }

    /// What to attach, in the order of the catalogue.
    pub fn chosen(&self) -> impl Iterator<Item = (&'static ProbeSpec, &Choice)> {
        self.probes
            .iter()
            .filter(|probe| !self.is_spared(probe))
            .filter_map(|probe| Some((probe.spec, probe.chosen()?)))
    }

    /// Whether it is there for another probe, and that one is attached.
    pub fn is_spared(&self, probe: &PlannedProbe) -> bool {
        let other = probe.spec.replaced_by.filter(|_| probe.spec.spare);
        other.is_some_and(|id| self.probe(id).is_some_and(|other| other.chosen().is_some()))
    }

    /// Whether a probe is attached, or this kernel has nothing to see there.
    pub fn has(&self, id: &str) -> bool {
        self.probe(id)
            .is_some_and(|probe| probe.absent.is_some() || probe.chosen().is_some())
    }

    /// The kernel would not take the chosen candidate of this probe: keeps the reason and gives the next one to try.
    pub fn refuse(&mut self, id: &str, reason: impl Into<String>) -> Option<&Choice> {
        let probe = self.probes.iter_mut().find(|probe| probe.spec.id == id)?;
        if !probe.is_tried() {
            return None;
        }
        if let Some(choice) = probe.choices.iter_mut().find(|choice| choice.refused.is_none()) {
            choice.refused = Some(reason.into());
        }
        probe.chosen()
    }

    /// Required probes that nothing is left for: tracing cannot start.
    pub fn missing_required(&self) -> impl Iterator<Item = &PlannedProbe> {
        self.probes
            .iter()
            .filter(|probe| probe.spec.want == Want::Required && !self.has(probe.spec.id))
    }
}
