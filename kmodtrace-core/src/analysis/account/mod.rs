//! The account of a recording: what it cost, in time that passed, in time that tasks spent and in bytes, and who asked for it.
//!
//! A fold over what a session hands out, in the order in which it does. Memory grows with the number of modules and of programs that
//! ask, which are bounded, not with that of attempts.

mod alias;
mod asker;
mod became;
mod before;
mod cost;
mod critical;
mod phase;
mod service;
mod vain;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::union::Union;
use crate::model::{Attempt, Cgroups, Finished, Ktime, Nanos, Note, Request, Stage, WaitKind};
use crate::plan::Coverage;
use crate::recording::{Header, Milestone};
pub use alias::AliasRow;
use alias::Aliases;
pub use asker::Asker;
use asker::Askers;
use became::Became;
pub use before::{BeforeTracer, EventNames};
pub use cost::Cost;
use cost::Costs;
use critical::Critical;
pub use critical::CriticalRow;
use phase::Phases;
pub use phase::{Phase, PhaseRow};
pub use service::ServiceRow;
use service::Services;
pub use vain::InVain;
use vain::Vain;

/// Attempts in flight whose time is counted up to the end.
const IN_FLIGHT: usize = 4_096;

/// What a recording cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Account {
    /// Calls of `init_module` and `finit_module`.
    pub loads: u64,
    /// Loads that went ahead and succeeded.
    pub loaded: u64,
    /// Loads whose module was there in the end by another task's load: EEXIST of a LIVE module, which kmod takes for success, and success
    /// that was shared.
    pub already_there: u64,
    /// Loads that failed otherwise.
    pub failed: u64,
    /// Loads that had not returned at the end, or whose return was not seen.
    pub unfinished: u64,
    /// Calls of `delete_module`.
    pub unloads: u64,
    /// Requests of the kernel for a module.
    pub requests: u64,
    /// Requests that failed.
    pub failed_requests: u64,
    /// Nanoseconds from the instant in which all probes were attached to the end.
    pub lasted_ns: u64,
    /// Nanoseconds in which at least one load was in flight.
    pub in_flight_ns: u64,
    /// Nanoseconds that tasks spent in loads, added up: with eight tasks eight a nanosecond.
    pub task_ns: u64,
    /// Nanoseconds of those that tasks waited for another task's load.
    pub waited_ns: u64,
    /// Nanoseconds that loads spent in each stage, the longest first.
    pub stages: Vec<(Stage, u64)>,
    /// What was before the tracer was attached; only of a boot that was recorded as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<BeforeTracer>,
    /// Who loaded when, in the order of beginning; only of a boot that was traced from its beginning.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhaseRow>,
    /// What failed in the same way each time, and cost the boot time: most first; only of a boot that was recorded as one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_vain: Vec<InVain>,
    /// What the default target waited for, one after the other; only of a boot with systemd.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub critical: Vec<CriticalRow>,
    /// What cost most, a module or a request each, most first.
    pub costs: Vec<Cost>,
    /// Who asked for loads, most time first.
    pub askers: Vec<Asker>,
    /// In which cgroups loads were made, most time first; none where their paths were not recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceRow>,
    /// For which devices udev loaded, most time first; none where no device was seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<AliasRow>,
}

/// Gathers it.
#[derive(Debug, Default)]
pub struct AccountFold {
    account: Account,
    began: Ktime,
    union: Union,
    costs: Costs,
    askers: Askers,
    services: Services,
    aliases: Aliases,
    /// Of a boot.
    phases: Option<Phases>,
    critical: Critical,
    /// Of a boot.
    vain: Option<Vain>,
    /// Loads that have not returned.
    open: Vec<Attempt>,
}

impl AccountFold {
    /// Of the recording with this header.
    pub fn new(header: &Header) -> Self {
        let boot = header.boot.as_ref().filter(|boot| !boot.marks.is_empty());
        let account = Account {
            before: boot.and_then(BeforeTracer::of),
            ..Account::default()
        };
        Self {
            account,
            began: header.clock.monotonic_ns,
            phases: boot.map(|boot| Phases::new(boot.at(Milestone::Userspace))),
            critical: boot.map_or_else(Critical::default, Critical::new),
            vain: boot.map(|_| Vain::default()),
            ..Self::default()
        }
    }

    /// Adds what a session handed out.
    pub fn add(&mut self, finished: &Finished) {
        match finished {
            Finished::Attempt(attempt) => self.attempt(attempt),
            Finished::Request(request) => self.request(request),
            Finished::State(_) | Finished::Call(_) => {}
        }
    }

    fn attempt(&mut self, attempt: &Attempt) {
        if attempt.is_unload() {
            self.account.unloads += 1;
            return;
        }
        self.account.loads += 1;
        match Became::of(attempt) {
            Became::Loaded => self.account.loaded += 1,
            Became::AlreadyThere => self.account.already_there += 1,
            Became::Failed => self.account.failed += 1,
            Became::Unfinished => self.account.unfinished += 1,
        }
        if attempt.notes.contains(&Note::InFlight) && self.open.len() < IN_FLIGHT {
            self.open.push(attempt.clone());
        } else {
            self.spent(attempt);
        }
    }

    /// Counts the time of a load.
    fn spent(&mut self, attempt: &Attempt) {
        let (waited, became) = (waited_for_others(attempt), Became::of(attempt));
        self.account.waited_ns = self.account.waited_ns.saturating_add(waited);
        self.costs.attempt(attempt, waited);
        if let Some(phases) = &mut self.phases {
            phases.add(attempt, became, waited);
        }
        if let Some(vain) = &mut self.vain {
            vain.attempt(attempt, became);
        }
        let mut long = 0;
        if let (Some(start), Some(end)) = (attempt.start, attempt.end) {
            self.union.add(start, end);
            long = end.since(start).0;
            self.account.task_ns = self.account.task_ns.saturating_add(long);
        }
        self.askers.attempt(attempt, long);
        self.services.add(attempt, long);
        self.critical.add(attempt);
        self.aliases.add(attempt, became, long);
    }

    fn request(&mut self, request: &Request) {
        self.account.requests += 1;
        self.account.failed_requests += u64::from(request.failed() || request.got_nothing());
        self.costs.request(request);
        if let Some(vain) = &mut self.vain {
            vain.request(request);
        }
        self.askers.request(request);
    }

    /// Nothing more comes: the recording ends at this time. `stages` are those of all modules, `cgroups` all that the recording tells of.
    pub fn finish(
        mut self,
        end: Ktime,
        stages: &BTreeMap<Stage, u64>,
        coverage: &Coverage,
        cgroups: &Cgroups,
    ) -> Account {
        for mut attempt in std::mem::take(&mut self.open) {
            // What lasts has lasted until now.
            attempt.end = Some(end);
            for wait in &mut attempt.waits {
                wait.span.end = wait.span.end.or(Some(end));
            }
            self.spent(&attempt);
        }
        let mut stages: Vec<(Stage, u64)> = stages.iter().map(|(stage, long)| (*stage, *long)).collect();
        stages.sort_by_key(|(_, long)| std::cmp::Reverse(*long));
        Account {
            lasted_ns: end.since(self.began).0,
            in_flight_ns: self.union.total(),
            stages,
            phases: self.phases.map_or_else(Vec::new, Phases::list),
            in_vain: self.vain.map_or_else(Vec::new, Vain::list),
            costs: self.costs.list(coverage),
            askers: self.askers.list(),
            services: self.services.list(cgroups),
            critical: self.critical.list(cgroups),
            devices: self.aliases.list(),
            ..self.account
        }
    }
}

/// Nanoseconds that a load waited for another task's load: of its file, of its name, or of a module that it needs.
fn waited_for_others(attempt: &Attempt) -> u64 {
    let others = |kind| matches!(kind, WaitKind::SameInode | WaitKind::SameName | WaitKind::Dependency);
    let waits = attempt.waits.iter().filter(|wait| others(wait.kind));
    let long = waits.filter_map(|wait| wait.span.duration());
    long.map(|Nanos(long)| long).fold(0, u64::saturating_add)
}
