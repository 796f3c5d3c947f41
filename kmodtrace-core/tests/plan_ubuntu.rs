//! The plans of kernels that Ubuntu built, from 5.4 to 6.17.
//!
//! `facts/ubuntu-*.json` were put together of each kernel's System.map and BTF, without booting it: with 2 CPUs, all rights, kprobes and
//! tracefs. They have none of the facts that were added later. What each plan loses was compared with the kernel's source and symbols.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kmodtrace_core::kernel::facts::KernelFacts;
use kmodtrace_core::plan::{
    CATALOGUE, Family, Feasibility, Mechanism, Observed, Plan, Want, check, render, resolve, verdict,
};

const ALL: [Family; 5] = Family::ALL;

/// Every facts file of a name that begins so, by what follows.
fn kernels(prefix: &str) -> BTreeMap<String, KernelFacts> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/facts");
    let names = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let mut all = BTreeMap::new();
    for name in names {
        let name = name.into_string().unwrap();
        if let Some(kernel) = name.strip_prefix(prefix).and_then(|name| name.strip_suffix(".json")) {
            let text = std::fs::read_to_string(folder.join(&name)).unwrap();
            all.insert(kernel.to_owned(), KernelFacts::from_json(&text).unwrap());
        }
    }
    all
}

fn plan(facts: &KernelFacts) -> Plan {
    resolve(CATALOGUE, facts).with(ALL)
}

#[test]
fn plans_of_ubuntu() {
    let kernels = kernels("ubuntu-");
    assert!(kernels.len() > 20, "the facts are not there");
    for (kernel, facts) in kernels {
        insta::assert_snapshot!(format!("ubuntu-{kernel}"), render(&check(&facts, &plan(&facts))));
    }
}

/// Major and minor.
type Version = (u32, u32);

/// Version of a release such as `5.15.0-204-generic`.
fn version(facts: &KernelFacts) -> Version {
    let mut numbers = facts
        .environment
        .release
        .split('.')
        .map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn every_kernel_with_a_ring_buffer_can_be_traced() {
    for (kernel, facts) in kernels("") {
        let verdict = verdict(&facts, &plan(&facts));
        match &verdict {
            Feasibility::Works => assert!(version(&facts) >= (5, 8), "{kernel}"),
            Feasibility::CannotTrace { what, .. } => {
                let expected = match kernel.as_str() {
                    "no-modules" => "this kernel loads no modules",
                    _ => "this kernel has no BPF ring buffer",
                };
                assert_eq!(
                    (what.as_str(), version(&facts) < (5, 8)),
                    (expected, kernel != "no-modules"),
                    "{kernel}"
                );
            }
        }
    }
}

/// A pool of the default size loses most returns of functions that many tasks sleep in. Fexit and kprobe.multi need none, or one that
/// is made large enough; an event of tracefs is made with one.
#[test]
fn no_return_waits_for_a_small_pool() {
    for (kernel, facts) in kernels("") {
        for (spec, choice) in plan(&facts).chosen() {
            for attach in &choice.attach {
                assert!(
                    attach.mechanism != Mechanism::Kretprobe || facts.environment.tracefs,
                    "{kernel}: {}",
                    spec.id
                );
            }
        }
    }
}

/// The first version that has what a probe shows, and the first that does not have it any more. The plan knows no versions.
const HISTORY: &[(&str, Version, Version)] = &[
    ("idempotent_init_module.enter", (6, 5), NEVER),
    ("idempotent_init_module.exit", (6, 5), NEVER),
    ("init_module_from_file.enter", (6, 5), NEVER),
    ("module_alloc.exit", ALWAYS, (6, 10)),
    ("execmem_alloc.exit", (6, 10), NEVER),
    ("blocking_notifier_call_chain_robust.enter", (5, 10), NEVER),
    ("blocking_notifier_call_chain_robust.exit", (5, 10), NEVER),
    ("prepare_to_wait_event.exit", ALWAYS, (6, 4)),
    ("__request_module.enter", (6, 4), NEVER),
    ("down_timeout.enter", (6, 4), NEVER),
    ("down_timeout.exit", (6, 4), NEVER),
    ("vprintk_store.exit", ALWAYS, (5, 11)),
    ("printk_sprint.exit", (5, 11), (5, 19)),
    ("console.hit", (5, 19), NEVER),
];
const ALWAYS: Version = (0, 0);
const NEVER: Version = (u32::MAX, 0);

#[test]
fn what_a_version_does_not_have_is_absent_and_nothing_else_is() {
    for (kernel, facts) in kernels("") {
        let (plan, version) = (plan(&facts), version(&facts));
        if kernel == "no-modules" {
            continue;
        }
        for (id, from, until) in HISTORY {
            let exists = (*from..*until).contains(&version);
            let probe = plan.probe(id).unwrap();
            assert_eq!(
                (probe.absent.is_none(), probe.unsure),
                (exists, false),
                "{kernel}: {id}"
            );
        }
        for probe in plan.probes.iter().filter(|probe| probe.absent.is_some()) {
            let optional = [
                "kmod_dup_request_exists_wait",
                "module_decompress",
                "check_modstruct_version",
                "klp_module_coming",
            ];
            let id = probe.spec.id;
            let known = HISTORY.iter().any(|(known, ..)| *known == id);
            assert!(
                known || optional.contains(&id.split('.').next().unwrap()),
                "{kernel}: {id}"
            );
        }
    }
}

/// What is attached twice would tell everything twice: a function has one program behind a link, and a trampoline's program one place.
#[test]
fn no_place_has_two_programs_and_no_trampoline_two_places() {
    for (kernel, facts) in kernels("") {
        let plan = plan(&facts);
        let mut places = BTreeSet::new();
        for attach in plan.chosen().flat_map(|(_, choice)| &choice.attach) {
            let place = match attach.mechanism {
                Mechanism::Fentry | Mechanism::Fexit => attach.program.clone(),
                mechanism => format!("{} {}", mechanism.word(), attach.target),
            };
            assert!(places.insert(place.clone()), "{kernel}: {place} twice");
        }
    }
}

/// Whoever reads "not observed" must be able to rely on what is not listed there.
#[test]
fn what_is_refused_is_lost_or_replaced() {
    for (kernel, facts) in kernels("") {
        let plan = plan(&facts);
        let unobserved = plan.unobserved();
        for probe in &plan.probes {
            let spec = probe.spec;
            let told = unobserved.iter().any(|loss| loss.starts_with(spec.loses));
            let replaced = spec.replaced_by.is_some_and(|id| plan.has(id));
            assert!(
                plan.has(spec.id) || spec.want == Want::Extra || told || replaced,
                "{kernel}: {}",
                spec.id
            );
        }
        let log = ["console.hit", "printk_sprint.exit", "vprintk_store.exit"];
        let log = log.map(|id| plan.probe(id).unwrap().chosen().is_some());
        let observed = plan.coverage().observed(Observed::KernelLog);
        assert_eq!(observed, log.contains(&true), "{kernel}");
    }
}

/// BTF of 6.2 has the `load_module` of device mapper first, and these facts only that one: trampolines cannot go by it, kprobes need not.
#[test]
fn another_prototype_does_not_keep_kprobes_away_that_read_no_arguments() {
    let facts = &kernels("ubuntu-")["6.2.0-39-generic"];
    let mechanism = |id: &str| {
        let plan = plan(facts);
        plan.probe(id)
            .unwrap()
            .chosen()
            .map(|choice| choice.attach[0].mechanism)
    };
    assert_eq!(mechanism("load_module.enter"), Some(Mechanism::Kprobe));
    assert_eq!(mechanism("load_module.exit"), Some(Mechanism::Kretprobe));
    assert_eq!(mechanism("do_init_module.enter"), Some(Mechanism::Fentry));
}
