//! What a plan does not observe, and why: so that no report shows a 0 that nobody counted.

use super::globals::{GLOBALS, GlobalSource, GlobalSpec};
use super::resolve::{Plan, PlannedProbe, RETURNS};
use super::spec::{Mechanism, Want};
use crate::plan::{Coverage, Observed};

/// A probe by its id, or a global by what its value is of.
#[derive(Clone, Copy)]
enum Need {
    Probe(&'static str),
    Global(&'static str),
}
use Need::{Global, Probe};

/// What each observation needs: of every group at least one.
const NEEDS: &[(Observed, &[&[Need]])] = &[
    (
        Observed::SameInodeWaits,
        &[
            &[Probe("idempotent_init_module.enter")],
            &[Probe("idempotent_init_module.exit")],
        ],
    ),
    // Where finished_loading was inlined, every check is a look-up; a wait then lies between the states that they found.
    (
        Observed::SameNameWaits,
        &[
            &[Probe("finished_loading.enter"), Probe("find_module_all.exit")],
            &[Probe("finished_loading.exit"), Probe("find_module_all.exit")],
            &[Probe("finished_loading.enter"), Global("module.state")],
            &[Probe("finished_loading.exit"), Global("module.state")],
        ],
    ),
    (
        Observed::Collisions,
        &[&[Probe("find_module_all.exit")], &[Global("module.state")]],
    ),
    (
        Observed::InitTimes,
        &[&[Probe("do_one_initcall.enter")], &[Probe("do_one_initcall.exit")]],
    ),
    (Observed::DependencyWaits, &[&[Probe("resolve_symbol.exit")]]),
    (
        Observed::MutexWaits,
        &[
            &[Probe("__mutex_lock_slowpath.enter")],
            &[Probe("__mutex_lock_slowpath.exit")],
        ],
    ),
    (
        Observed::RcuWaits,
        &[&[Probe("synchronize_rcu.enter")], &[Probe("synchronize_rcu.exit")]],
    ),
    (
        Observed::AsyncWaits,
        &[
            &[Probe("async_synchronize_full.enter")],
            &[Probe("async_synchronize_full.exit")],
        ],
    ),
    // GOING begins at the look-up of an unload or where an init function fails, and both are told to the notifiers.
    (
        Observed::GoingWindows,
        &[
            &[Probe("find_module_all.exit")],
            &[Probe("do_one_initcall.exit")],
            &[
                Probe("blocking_notifier_call_chain.enter"),
                Probe("klp_module_going.enter"),
            ],
            &[Probe("mod_sysfs_teardown.exit"), Probe("free_module.enter")],
        ],
    ),
    (Observed::ReadBytes, &[&[Probe("kernel_read_file.exit")]]),
    (
        Observed::Requests,
        &[
            &[Probe("security_kernel_module_request.enter")],
            &[Probe("security_kernel_module_request.exit")],
            &[Probe("module_request.hit")],
            &[Probe("call_usermodehelper_exec.exit")],
        ],
    ),
    // One of the two mechanisms is absent everywhere.
    (
        Observed::SlotWaits,
        &[
            &[Probe("module_request.hit")],
            &[Probe("down_timeout.enter")],
            &[Probe("down_timeout.exit")],
            &[Probe("prepare_to_wait_event.exit")],
        ],
    ),
    (
        Observed::Helpers,
        &[
            &[Probe("call_usermodehelper_exec.enter")],
            &[Probe("call_usermodehelper_exec_async.enter")],
            &[Probe("sched_process_exit.hit")],
        ],
    ),
    (
        Observed::CallSites,
        &[&[Probe("module_request.hit")], &[Global("bpf_snprintf")]],
    ),
    (
        Observed::KernelLog,
        // Two of the three places are absent everywhere.
        &[
            &[Probe("console.hit")],
            &[Probe("printk_sprint.exit")],
            &[Probe("vprintk_store.exit")],
        ],
    ),
];

impl Plan {
    /// What reports may not show as 0, and every reason.
    pub fn coverage(&self) -> Coverage {
        let mut coverage = Coverage::default();
        for (what, groups) in NEEDS {
            for group in *groups {
                if let Some(first) = group.first().filter(|_| !group.iter().any(|need| self.meets(*need))) {
                    coverage.lose(*what, self.loss(*first));
                }
            }
        }
        for loss in self.losses() {
            coverage.note(loss);
        }
        coverage
    }

    /// Everything that is lost, in clauses for users, each once.
    pub fn unobserved(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for loss in self.losses() {
            if !all.contains(&loss) {
                all.push(loss);
            }
        }
        all
    }

    /// Whether nothing is lost without this probe.
    pub(super) fn is_replaced(&self, probe: &PlannedProbe) -> bool {
        probe.spec.replaced_by.is_some_and(|id| self.has(id))
    }

    fn meets(&self, need: Need) -> bool {
        match need {
            Probe(id) => self.has(id),
            Global(key) => !self.lost_globals.iter().any(|global| global.source.key() == key),
        }
    }

    fn loss(&self, need: Need) -> String {
        match need {
            Probe(id) => self.probe(id).map(lost_probe).unwrap_or_default(),
            Global(key) => {
                let global = self.lost_globals.iter().find(|global| global.source.key() == key);
                global.map(|global| self.lost_with(global)).unwrap_or_default()
            }
        }
    }

    fn losses(&self) -> impl Iterator<Item = String> {
        let probes = self
            .probes
            .iter()
            .filter(|probe| probe.spec.want != Want::Extra && !self.has(probe.spec.id) && !self.is_replaced(probe));
        let unasked = GLOBALS.iter().filter_map(|global| match global.source {
            GlobalSource::Asked(family) if !self.families.contains(&family) => Some(family.unasked(global.loses)),
            _ => None,
        });
        let globals = self.lost_globals.iter().filter(|global| !global.loses.is_empty());
        probes
            .map(lost_probe)
            .chain(globals.map(|global| self.lost_with(global)))
            .chain(unasked)
            .chain(self.uncounted_returns())
    }

    /// What kprobe.multi may miss without a word of the kernel.
    fn uncounted_returns(&self) -> Option<String> {
        let mut attached = self.chosen().flat_map(|(_, choice)| &choice.attach);
        let multi = attached.any(|attach| attach.mechanism == Mechanism::KretprobeMulti);
        (multi && self.has_return_pool && !self.counts_missed_links).then(|| {
            format!(
                "returns while more than {} are awaited: this kernel does not count them (kprobe.multi before Linux 6.7)",
                2 * RETURNS
            )
        })
    }

    /// What is lost with a global, and with all that lose the same: `parents ... (not in BTF: task_struct.tgid, task_struct.comm)`.
    fn lost_with(&self, global: &GlobalSpec) -> String {
        let keys = self
            .lost_globals
            .iter()
            .filter(|other| other.loses == global.loses)
            .map(|other| other.source.key());
        format!(
            "{} ({}: {})",
            global.loses,
            global.source.lacking(),
            keys.collect::<Vec<_>>().join(", ")
        )
    }
}

/// What is lost with a probe, and why for each of its targets: `init functions: ... (do_one_initcall: no symbol)`.
fn lost_probe(probe: &PlannedProbe) -> String {
    if let Some(family) = probe.unasked {
        return family.unasked(probe.spec.loses);
    }
    let mut targets: Vec<(&str, Vec<&str>)> = Vec::new();
    for (choice, reason) in probe.refused() {
        let Some(target) = choice.attach.first().map(|attach| attach.target.as_str()) else {
            continue;
        };
        match targets.iter_mut().find(|(known, _)| *known == target) {
            Some((_, reasons)) if reasons.contains(&reason) => {}
            Some((_, reasons)) => reasons.push(reason),
            None => targets.push((target, vec![reason])),
        }
    }
    let reasons = targets
        .iter()
        .map(|(target, reasons)| format!("{target}: {}", reasons.join(", ")));
    let reasons = reasons.collect::<Vec<_>>().join("; ");
    let unsure = if probe.unsure {
        "; not known whether this kernel has it"
    } else {
        ""
    };
    format!("{} ({reasons}{unsure})", probe.spec.loses)
}
