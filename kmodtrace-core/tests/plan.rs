//! The plans of real kernels, and of kernels and processes that lack something.
//!
//! `facts/*.json` is what `kmodtrace check --json` prints on Debian's kernels of four suites, and on a kernel without modules. Every
//! offset and every count of arguments in them was compared with `bpftool btf dump file /sys/kernel/btf/vmlinux format raw` of the
//! same kernel, read by an independent script that descends anonymous members and follows typedefs and qualifiers: all equal.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeSet;

use kmodtrace_core::kernel::facts::{Addresses, KernelFacts, Preemption};
use kmodtrace_core::plan::{
    CATALOGUE, Family, Feasibility, GlobalValue, Mechanism, Observed, Plan, Want, check, render, resolve, values,
    verdict,
};
use proptest::prelude::*;

const K5_10: &str = include_str!("facts/5.10.json");
const K6_1: &str = include_str!("facts/6.1.json");
const K6_12: &str = include_str!("facts/6.12.json");
const SID: &str = include_str!("facts/sid.json");
const NO_MODULES: &str = include_str!("facts/no-modules.json");

fn facts(json: &str) -> KernelFacts {
    KernelFacts::from_json(json).unwrap()
}

const ALL: [Family; 5] = Family::ALL;

fn plan(facts: &KernelFacts) -> Plan {
    resolve(CATALOGUE, facts)
}

fn text(facts: &KernelFacts) -> String {
    render(&check(facts, &plan(facts)))
}

fn without_btf() -> KernelFacts {
    let mut facts = facts(K6_1);
    facts.btf = false;
    facts.types.clear();
    facts
        .functions
        .values_mut()
        .for_each(|function| function.btf_args = None);
    facts.offsets.values_mut().for_each(|offset| *offset = None);
    facts
}

fn unprivileged(capabilities: &[&str]) -> KernelFacts {
    let mut facts = facts(K6_1);
    facts.environment.uid = 1000;
    facts.environment.tracefs = false;
    facts.environment.capabilities = capabilities.iter().map(ToString::to_string).collect();
    facts.addresses = false;
    facts
}

fn inlined(facts: &mut KernelFacts, name: &str) {
    let function = facts.functions.get_mut(name).unwrap();
    function.symbols = 0;
    function.variants.clear();
}

fn missing(facts: &KernelFacts) -> Vec<String> {
    plan(facts).with(ALL).coverage().unobserved().to_vec()
}

#[test]
fn the_four_kernels_and_one_without_modules() {
    for (name, json) in [
        ("5.10", K5_10),
        ("6.1", K6_1),
        ("6.12", K6_12),
        ("sid", SID),
        ("no-modules", NO_MODULES),
    ] {
        insta::assert_snapshot!(format!("plan-{name}"), text(&facts(json)));
    }
}

#[test]
fn json_is_what_it_was_when_the_kernel_was_asked() {
    for json in [K5_10, K6_1, K6_12, SID, NO_MODULES] {
        let facts = facts(json);
        let printed: serde_json::Value = serde_json::from_str(json).unwrap();
        let again = serde_json::to_value(check(&facts, &plan(&facts))).unwrap();
        assert_eq!(again, printed, "{}", facts.environment.release);
    }
}

#[test]
fn facts_come_back_from_their_own_json() {
    let facts = facts(SID);
    assert_eq!(
        KernelFacts::from_json(&serde_json::to_string(&facts).unwrap()).unwrap(),
        facts
    );
}

#[test]
fn what_is_not_facts_is_turned_away() {
    let error = |text| KernelFacts::from_json(text).unwrap_err().to_string();
    assert!(error("ELF").starts_with("not facts of kmodtrace"), "{}", error("ELF"));
    assert!(error(r#"{"schema": "kmodtrace.facts/9"}"#).contains("kmodtrace.facts/9"));
    assert!(error("[]").contains("none"));
}

#[test]
fn the_four_kernels_lose_nothing_but_symbols_on_the_oldest() {
    for json in [K6_1, K6_12, SID] {
        assert_eq!(missing(&facts(json)), [""; 0]);
    }
    let [snprintf] = missing(&facts(K5_10)).try_into().unwrap();
    assert!(snprintf.contains("bpf_snprintf"), "{snprintf}");
}

#[test]
fn a_kernel_without_btf_gets_kprobes_and_says_what_is_lost() {
    let facts = without_btf();
    insta::assert_snapshot!("plan-no-btf", text(&facts));
    let coverage = plan(&facts).coverage();
    assert!(!coverage.observed(Observed::Collisions), "their state cannot be read");
    assert!(coverage.observed(Observed::SameNameWaits));
    assert_eq!(
        values(&facts, &Addresses::default(), &BTreeSet::new())[0],
        ("OFF_MODULE_STATE", GlobalValue::U32(u32::MAX))
    );
}

#[test]
fn a_process_without_rights_is_told_which() {
    insta::assert_snapshot!("plan-no-capabilities", text(&unprivileged(&[])));
    let Feasibility::CannotTrace { why, remedy, .. } = ({
        let facts = unprivileged(&["CAP_BPF", "CAP_SYSLOG"]);
        verdict(&facts, &plan(&facts))
    }) else {
        panic!("CAP_PERFMON is missing")
    };
    assert_eq!(why, "user id 1000 lacks CAP_PERFMON");
    assert!(remedy.contains("setcap cap_bpf,cap_perfmon,cap_syslog+ep"));
}

#[test]
fn capabilities_without_syslog_lose_the_notifiers_only() {
    let facts = unprivileged(&["CAP_BPF", "CAP_PERFMON"]);
    let plan = plan(&facts);
    assert_eq!(verdict(&facts, &plan), Feasibility::Works);
    let lost = missing(&facts);
    assert!(lost.iter().any(|loss| loss.contains("LIVE")), "{lost:?}");
    assert!(lost.iter().any(|loss| loss.contains("module_mutex")), "{lost:?}");
    // Trampolines of 6.1 are too narrow for parse_args, that of skb_recv_datagram was never made, and kprobe events are files of root.
    let by_tracefs = |loss: &&String| loss.contains("parse_args") || loss.contains("skb_recv_datagram");
    let (without_tracefs, others): (Vec<_>, Vec<_>) = lost.iter().partition(by_tracefs);
    assert_eq!(without_tracefs.len(), 2, "{lost:?}");
    assert!(others.iter().all(|loss| loss.contains("CAP_SYSLOG")), "{lost:?}");
    assert!(
        plan.coverage().observed(Observed::GoingWindows),
        "klp_module_going tells of them"
    );
}

#[test]
fn lockdown_and_missing_mechanisms_are_named() {
    let mut locked = facts(K6_1);
    locked.environment.lockdown = Some("confidentiality".to_owned());
    let mut bare = without_btf();
    bare.environment.kprobes = false;
    insta::assert_snapshot!("plan-no-mechanism", text(&bare));
    for (facts, word) in [(locked, "confidentiality"), (bare, "CONFIG_KPROBE_EVENTS")] {
        let Feasibility::CannotTrace { why, .. } = verdict(&facts, &plan(&facts)) else {
            panic!("{word}")
        };
        assert!(why.contains(word), "{why}");
    }
}

#[test]
fn a_required_probe_that_was_inlined_is_named_with_its_reason() {
    let mut facts = facts(K6_1);
    inlined(&mut facts, "load_module");
    facts.functions.get_mut("load_module").unwrap().variants = vec!["load_module.part.0".to_owned()];
    let Feasibility::CannotTrace { what, why, .. } = verdict(&facts, &plan(&facts)) else {
        panic!("it is required")
    };
    assert_eq!(what, "no way to attach load_module.enter, load_module.exit");
    assert!(why.contains("inlined but for load_module.part.0"), "{why}");
}

#[test]
fn another_function_of_the_same_name_is_refused() {
    let mut facts = facts(K6_1);
    facts.functions.get_mut("finished_loading").unwrap().btf_args = Some(2);
    facts.functions.get_mut("free_module").unwrap().symbols = 2;
    let plan = plan(&facts);
    let reason = |id| {
        plan.probe(id)
            .unwrap()
            .refused()
            .next()
            .map(|(_, reason)| reason.to_owned())
            .unwrap()
    };
    assert_eq!(
        reason("finished_loading.enter"),
        "BTF has it with 2 arguments, 1 expected"
    );
    assert_eq!(reason("free_module.exit"), "2 symbols of that name");
}

/// As kernels of the configuration in which the compiler inlines it: 5.3 to 6.1.8 built by gcc.
#[test]
fn waits_survive_an_inlined_finished_loading() {
    let mut facts = facts(K6_1);
    inlined(&mut facts, "finished_loading");
    let coverage = plan(&facts).with(ALL).coverage();
    assert!(coverage.observed(Observed::SameNameWaits));
    let [lost]: [String; 1] = coverage.unobserved().to_vec().try_into().unwrap();
    assert!(lost.contains("wake-ups in vain"), "{lost}");
    inlined(&mut facts, "find_module_all");
    let coverage = plan(&facts).coverage();
    assert!(!coverage.observed(Observed::SameNameWaits) && !coverage.observed(Observed::Collisions));
    assert!(coverage.observed(Observed::ReadBytes));
}

#[test]
fn without_livepatch_the_notifier_chain_tells_of_states() {
    let mut facts = facts(K6_12);
    inlined(&mut facts, "klp_module_coming");
    inlined(&mut facts, "klp_module_going");
    assert_eq!(missing(&facts), [""; 0]);
    inlined(&mut facts, "blocking_notifier_call_chain_robust");
    assert!(missing(&facts).iter().any(|loss| loss.contains("becomes COMING")));
}

#[test]
fn what_nobody_asked_for_is_not_observed_and_is_told() {
    let plan = plan(&facts(K6_1));
    let coverage = plan.coverage();
    assert!(coverage.observed(Observed::RcuWaits) && coverage.observed(Observed::KernelLog));
    assert!(!coverage.observed(Observed::MutexWaits));
    let asks = |family: &str| format!("(not asked for: --with {family})");
    let [mutex, stacks]: [String; 2] = coverage.unobserved().to_vec().try_into().unwrap();
    assert!(mutex.ends_with(&asks("mutex")) && stacks.ends_with(&asks("stacks")));
    let none = plan.with([]);
    assert!(!none.coverage().observed(Observed::RcuWaits) && !none.coverage().observed(Observed::KernelLog));
    assert!(none.coverage().observed(Observed::Requests));
    assert!(none.chosen().all(|(spec, _)| spec.family.is_none()));
}

#[test]
fn stacks_are_a_global_that_says_whether_they_were_asked_for() {
    let facts = facts(K6_1);
    let value = |families: &[Family]| {
        let families = families.iter().copied().collect();
        let values = values(&facts, &Addresses::default(), &families);
        values.into_iter().find(|(name, _)| *name == "WITH_STACKS").unwrap().1
    };
    assert_eq!(value(&[Family::Stacks]), GlobalValue::U32(1));
    assert_eq!(value(&[Family::Mutex]), GlobalValue::U32(0));
}

/// `arch_prepare_bpf_trampoline` of 5.10 and 6.1 refuses more than six arguments, that of 6.12 does not.
#[test]
fn a_function_of_many_arguments_gets_a_return_probe_where_trampolines_are_narrow() {
    let mechanism = |json| {
        let mut facts = facts(json);
        facts.fprobe = Some(false);
        facts.environment.preemption = Some(Preemption::None);
        let plan = plan(&facts);
        plan.probe("parse_args.exit").unwrap().chosen().unwrap().attach[0].mechanism
    };
    assert_eq!([K5_10, K6_1].map(mechanism), [Mechanism::Kretprobe; 2]);
    assert_eq!([K6_12, SID].map(mechanism), [Mechanism::Fexit; 2]);
}

/// What the kernel has and does decides, and a kernel that preempts itself gets nothing that it would skip then.
#[test]
fn the_mechanism_follows_from_the_kernel() {
    use Mechanism::{Fentry, Fexit, Kprobe, KprobeMulti, Kretprobe, KretprobeMulti, RawTracepoint, Tracepoint};
    let mechanisms = |fprobe, preemption| {
        let mut facts = facts(K6_12);
        facts.fprobe = Some(fprobe);
        facts.environment.preemption = preemption;
        let plan = plan(&facts);
        let of = |id| plan.probe(id).unwrap().chosen().unwrap().attach[0].mechanism;
        [
            of("load_module.enter"),
            of("load_module.exit"),
            of("module_request.hit"),
        ]
    };
    let none = Some(Preemption::None);
    assert_eq!(mechanisms(true, none), [KprobeMulti, KretprobeMulti, RawTracepoint]);
    assert_eq!(mechanisms(false, none), [Fentry, Fexit, RawTracepoint]);
    assert_eq!(mechanisms(false, None), [Fentry, Fexit, RawTracepoint]);
    for preempts in [Preemption::Full, Preemption::Lazy, Preemption::Rt].map(Some) {
        assert_eq!(mechanisms(true, preempts), [KprobeMulti, KretprobeMulti, Tracepoint]);
        assert_eq!(mechanisms(false, preempts), [Kprobe, Kretprobe, Tracepoint]);
    }
}

/// Before 6.7 the kernel does not say what a full pool of kprobe.multi missed, so that is said beforehand.
#[test]
fn returns_that_nobody_counts_are_listed() {
    let lost = |change: fn(&mut KernelFacts)| {
        let mut facts = facts(K6_12);
        change(&mut facts);
        missing(&facts).iter().any(|loss| loss.contains("kprobe.multi"))
    };
    assert!(!lost(|_| {}));
    assert!(lost(|facts| {
        facts.offsets.remove("bpf_link_info.kprobe_multi.missed");
    }));
    // 6.14 and later have no pool.
    assert!(!lost(|facts| {
        facts.offsets.remove("bpf_link_info.kprobe_multi.missed");
        facts.offsets.insert("fprobe.rethook".to_owned(), None);
    }));
}

/// Up to 6.3 requests wait inline on a queue, since 6.4 for a semaphore; up to 5.10 a line of the log has one buffer.
#[test]
fn one_of_two_mechanisms_exists() {
    for (json, old) in [(K5_10, true), (K6_1, true), (K6_12, false), (SID, false)] {
        let plan = plan(&facts(json));
        let absent = |id: &str| plan.probe(id).unwrap().absent.is_some();
        assert_eq!(absent("down_timeout.enter"), old);
        assert_eq!(absent("prepare_to_wait_event.exit"), !old);
        assert_eq!(absent("module_alloc.exit"), !old);
        assert_eq!(absent("execmem_alloc.exit"), old);
        assert_ne!(absent("console.hit"), absent("vprintk_store.exit"));
    }
}

#[test]
fn a_spare_probe_is_attached_where_the_other_one_cannot_be() {
    let mut plan = plan(&facts(K6_12));
    let attached = |plan: &Plan| plan.chosen().any(|(spec, _)| spec.id == "klp_module_going.enter");
    assert!(!attached(&plan));
    while plan.refuse("blocking_notifier_call_chain.enter", "no").is_some() {}
    assert!(attached(&plan));
}

#[test]
fn add_unformed_module_is_used_where_it_has_a_symbol() {
    let mut facts = facts(K6_1);
    let function = facts.functions.get_mut("add_unformed_module").unwrap();
    (function.symbols, function.btf_args) = (1, Some(1));
    assert_eq!(
        plan(&facts)
            .probe("add_unformed_module.exit")
            .unwrap()
            .chosen()
            .unwrap()
            .attach[0]
            .program,
        "fexit_add_unformed_module"
    );
}

#[test]
fn on_another_architecture_wrappers_have_other_names() {
    let mut facts = facts(K6_1);
    facts.environment.arch = "aarch64".to_owned();
    let wrapper = facts.functions["__x64_sys_finit_module"].clone();
    facts.functions.insert("__arm64_sys_finit_module".to_owned(), wrapper);
    assert_eq!(
        plan(&facts)
            .probe("finit_module.enter")
            .unwrap()
            .chosen()
            .unwrap()
            .attach[0]
            .target,
        "__arm64_sys_finit_module"
    );
    facts.environment.arch = "riscv64".to_owned();
    let plan = plan(&facts);
    let chosen = plan.probe("finit_module.exit").unwrap().chosen().unwrap();
    assert_eq!(
        chosen.attach[0].tracepoint(),
        Some(("syscalls", "sys_exit_finit_module"))
    );
}

#[test]
fn what_the_kernel_refuses_is_kept_and_the_next_candidate_tried() {
    let mut plan = plan(&facts(K6_1)).with(ALL);
    let next = plan.refuse("finished_loading.exit", "the kernel said EBUSY").unwrap();
    assert_eq!(next.attach[0].program, "kretprobe_finished_loading");
    assert_eq!(plan.unobserved(), [""; 0], "its pool of returns is large");
    assert_eq!(plan.refuse("finished_loading.exit", "the kernel said EINVAL"), None);
    let reasons: Vec<_> = plan
        .probe("finished_loading.exit")
        .unwrap()
        .refused()
        .map(|(_, reason)| reason)
        .collect();
    assert_eq!(reasons, ["the kernel said EBUSY", "the kernel said EINVAL"]);
    assert!(plan.coverage().observed(Observed::SameNameWaits));
    assert_eq!(plan.refuse("finished_loading.exit", "again"), None);
    assert_eq!(plan.refuse("no such probe", "never"), None);
}

proptest! {
    /// Whatever a kernel lacks: what is chosen can be attached, what is wanted and not chosen is told, and refusing comes to an end.
    #[test]
    fn a_plan_is_total(
        lacks in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        btf in any::<bool>(),
        ftrace in any::<bool>(),
        kprobes in any::<bool>(),
        addresses in any::<bool>(),
    ) {
        let mut facts = facts(SID);
        let names: Vec<String> = facts.functions.keys().cloned().collect();
        for index in lacks {
            inlined(&mut facts, &names[index.index(names.len())]);
        }
        (facts.btf, facts.ftrace, facts.addresses) = (btf, ftrace, addresses);
        facts.environment.kprobes = kprobes;
        let mut plan = plan(&facts);
        for (spec, choice) in plan.chosen() {
            for attach in &choice.attach {
                let known = facts.functions.get(&attach.target).is_some_and(|function| function.symbols == 1);
                let tracepoint = attach.mechanism == Mechanism::RawTracepoint || attach.tracepoint().is_some();
                prop_assert!(known || tracepoint, "{} on {}", spec.id, attach.target);
            }
        }
        for spec in CATALOGUE {
            let told = plan.unobserved().iter().any(|loss| loss.starts_with(spec.loses));
            let replaced = spec.replaced_by.is_some_and(|id| plan.has(id));
            prop_assert!(plan.has(spec.id) || spec.want == Want::Extra || told || replaced, "{}", spec.id);
        }
        for spec in CATALOGUE {
            let mut tries = 0;
            while plan.refuse(spec.id, "no").is_some() {
                tries += 1;
                prop_assert!(tries < 8, "{}", spec.id);
            }
        }
        prop_assert_eq!(plan.chosen().count(), 0);
        let _ = render(&check(&facts, &plan));
    }
}
