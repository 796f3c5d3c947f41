//! Kernels whose symbols tell less, or other things, than those of most.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use kmodtrace_core::kernel::facts::KernelFacts;
use kmodtrace_core::plan::{CATALOGUE, Family, Mechanism, Observed, Plan, check, questions, render, resolve};

const K6_1: &str = include_str!("facts/6.1.json");
const K6_12: &str = include_str!("facts/6.12.json");

fn facts(json: &str) -> KernelFacts {
    let mut facts = KernelFacts::from_json(json).unwrap();
    // What one link carries is another matter.
    facts.fprobe = Some(false);
    facts
}

fn plan(facts: &KernelFacts) -> Plan {
    resolve(CATALOGUE, facts).with([Family::Mutex, Family::Rcu, Family::Printk, Family::Devices])
}

/// Mechanism and symbol of what is attached.
fn chosen(facts: &KernelFacts, id: &str) -> Option<(Mechanism, String)> {
    let plan = plan(facts);
    let choice = plan.probe(id).unwrap().chosen()?;
    Some((choice.attach[0].mechanism, choice.attach[0].target.clone()))
}

fn reasons(facts: &KernelFacts, id: &str) -> String {
    let plan = plan(facts);
    let mut reasons: Vec<_> = plan
        .probe(id)
        .unwrap()
        .refused()
        .map(|(_, reason)| reason.to_owned())
        .collect();
    reasons.dedup();
    reasons.join("; ")
}

/// The function has these symbols instead of its own.
fn renamed(facts: &mut KernelFacts, name: &str, symbols: &[&str]) {
    let function = facts.functions.get_mut(name).unwrap();
    function.symbols = 0;
    function.variants = symbols.iter().map(ToString::to_string).collect();
}

/// As Debian 12 builds arm64: kallsyms lists functions only.
fn without_data(json: &str) -> KernelFacts {
    let mut facts = facts(json);
    facts.data_symbols.values_mut().for_each(|there| *there = false);
    facts.environment.events.clear();
    facts
        .types
        .retain(|name, _| ["idempotent", "execmem_info", "kmod_dup_req"].contains(&name.as_str()));
    facts
}

/// What BTF says of what these facts do not.
fn with_types(mut facts: KernelFacts, has: impl Fn(&str) -> bool) -> KernelFacts {
    for name in questions("x86_64").types {
        let known = facts.types.get(name).copied();
        facts.types.insert(name.to_owned(), known.unwrap_or_else(|| has(name)));
    }
    facts
}

#[test]
fn where_kallsyms_lists_no_data_nothing_is_absent_for_want_of_a_data_symbol() {
    for json in [K6_1, K6_12] {
        let facts = without_data(json);
        assert_eq!(facts.data_symbol("kmod_wq"), None);
        let plan = plan(&facts);
        for probe in &plan.probes {
            let absent = probe.absent.as_deref().unwrap_or_default();
            assert!(
                !absent.contains("kmod_wq") && !absent.contains("textbuf"),
                "{}: {absent}",
                probe.spec.id
            );
        }
        // Nobody knows whether the tracepoints are there: they are tried.
        let request = plan.probe("module_request.hit").unwrap();
        assert!(request.unsure && request.chosen().is_some());
        let text = render(&check(&facts, &plan));
        assert!(
            text.contains("raw tracepoint module_request (not known whether this kernel has it)"),
            "{text}"
        );
        assert!(plan.coverage().observed(Observed::Requests));
        assert!(plan.coverage().observed(Observed::KernelLog));
        assert!(
            !text.contains("no tracepoint") && !text.contains("no symbol kmod_wq"),
            "{text}"
        );
    }
}

#[test]
fn btf_and_tracefs_tell_of_tracepoints_too() {
    let has = |facts: &KernelFacts| chosen(facts, "module_request.hit").is_some();
    let unsure = |facts: &KernelFacts| plan(facts).probe("module_request.hit").unwrap().unsure;
    let told = with_types(without_data(K6_12), |_| true);
    assert!(has(&told) && !unsure(&told));
    let none = with_types(without_data(K6_12), |_| false);
    assert_eq!(reasons(&none, "module_request.hit"), "no tracepoint module_request");
    // One place where it shows is enough.
    let mut tracefs = none;
    tracefs.environment.events.insert("module_request".to_owned(), true);
    assert!(has(&tracefs) && !unsure(&tracefs));
    let mut absent = without_data(K6_12);
    absent.environment.events.insert("module_request".to_owned(), false);
    assert!(!has(&absent));
}

/// Up to 6.3 requests wait on `kmod_wq`, whose address nobody knows then; later kernels have a semaphore.
#[test]
fn the_wait_for_a_slot_is_told_apart_without_data_symbols() {
    let new = plan(&without_data(K6_12));
    assert!(new.probe("prepare_to_wait_event.exit").unwrap().absent.is_some());
    assert!(new.coverage().observed(Observed::SlotWaits));
    let old = plan(&with_types(without_data(K6_1), |_| false));
    assert!(old.probe("down_timeout.enter").unwrap().absent.is_some());
    let unobserved = old.unobserved();
    let slots = unobserved
        .iter()
        .find(|loss| loss.starts_with("waits for a slot"))
        .unwrap();
    assert!(slots.contains("CONFIG_KALLSYMS_ALL"), "{slots}");
    // Facts of before BTF was asked for that: nobody knows, both are tried.
    let unknown = plan(&without_data(K6_1));
    assert!(unknown.probe("down_timeout.enter").unwrap().unsure);
    assert!(!unknown.coverage().observed(Observed::SlotWaits));
    assert!(
        unknown
            .unobserved()
            .iter()
            .any(|loss| loss.contains("not known whether this kernel has it"))
    );
}

/// `ThinLTO` makes a static function global under another name, and leaves arguments and return alone.
#[test]
fn a_promoted_function_is_the_same_function() {
    let mut facts = facts(K6_12);
    renamed(
        &mut facts,
        "do_init_module",
        &["do_init_module.llvm.1234", "do_init_module.llvm.1234.cold"],
    );
    let name = "do_init_module.llvm.1234".to_owned();
    assert_eq!(
        chosen(&facts, "do_init_module.enter"),
        Some((Mechanism::Kprobe, name.clone()))
    );
    assert_eq!(
        chosen(&facts, "do_init_module.exit"),
        Some((Mechanism::Kretprobe, name))
    );
    assert!(reasons(&facts, "do_init_module.exit").contains("renamed to do_init_module.llvm.1234 by the compiler"));
    let unobserved = plan(&facts).unobserved();
    assert!(
        !unobserved.iter().any(|loss| loss.contains("do_init_module")),
        "{unobserved:?}"
    );
}

/// gcc removes or replaces arguments: only what reads none may sit there.
#[test]
fn of_an_altered_function_no_arguments_are_read() {
    let mut facts = facts(K6_12);
    renamed(
        &mut facts,
        "mod_sysfs_setup",
        &["mod_sysfs_setup.constprop.0", "mod_sysfs_setup.constprop.0.cold"],
    );
    renamed(&mut facts, "do_init_module", &["do_init_module.isra.0"]);
    renamed(&mut facts, "find_module_all", &["find_module_all.isra.0"]);
    let sysfs = "mod_sysfs_setup.constprop.0".to_owned();
    assert_eq!(
        chosen(&facts, "mod_sysfs_setup.enter"),
        Some((Mechanism::Kprobe, sysfs.clone()))
    );
    assert_eq!(
        chosen(&facts, "mod_sysfs_setup.exit"),
        Some((Mechanism::Kretprobe, sysfs))
    );
    assert!(chosen(&facts, "do_init_module.exit").is_some());
    for id in ["do_init_module.enter", "find_module_all.exit"] {
        assert_eq!(chosen(&facts, id), None);
        assert!(
            reasons(&facts, id).ends_with(".isra.0 by the compiler: its arguments may be others"),
            "{}",
            reasons(&facts, id)
        );
    }
    assert!(!plan(&facts).coverage().observed(Observed::Collisions));
}

#[test]
fn pieces_and_several_copies_are_not_the_function() {
    let mut facts = facts(K6_12);
    let reason = |facts: &mut KernelFacts, symbols: &[&str]| {
        renamed(facts, "free_module", symbols);
        assert_eq!(chosen(facts, "free_module.exit"), None);
        reasons(facts, "free_module.exit")
    };
    assert!(reason(&mut facts, &["free_module.part.0"]).contains("inlined but for free_module.part.0"));
    assert!(reason(&mut facts, &["free_module.cold"]).contains("no symbol (inlined, or not there)"));
    assert!(
        reason(&mut facts, &["free_module.isra.0", "free_module.constprop.0"])
            .contains("renamed to free_module.isra.0, free_module.constprop.0 by the compiler")
    );
    facts.functions.remove("free_module");
    assert!(reasons(&facts, "free_module.exit").contains("these facts do not say whether it has a symbol"));
}

/// A prototype that is not the expected one may be another function's.
#[test]
fn a_program_that_reads_arguments_wants_the_prototype() {
    let mut facts = facts(K6_12);
    for name in ["load_module", "do_init_module"] {
        facts.functions.get_mut(name).unwrap().btf_args = Some(7);
    }
    let mechanism = |id| chosen(&facts, id).map(|(mechanism, _)| mechanism);
    assert_eq!(mechanism("load_module.enter"), Some(Mechanism::Kprobe));
    assert_eq!(mechanism("load_module.exit"), Some(Mechanism::Kretprobe));
    assert_eq!(mechanism("do_init_module.exit"), Some(Mechanism::Kretprobe));
    assert_eq!(mechanism("do_init_module.enter"), None);
    assert!(reasons(&facts, "do_init_module.enter").contains("BTF has it with 7 arguments, 1 expected"));
}

/// The fact decides where it is known; only facts of before it was asked for go by the release.
#[test]
fn the_ring_buffer_is_a_fact_and_the_release_a_last_resort() {
    let mut facts = facts(K6_1);
    let mut has = |fact: Option<bool>, release: &str| {
        (facts.ring_buffer, facts.environment.release) = (fact, release.to_owned());
        facts.has_ring_buffer()
    };
    assert!(has(Some(true), "4.18.0-553.el8_10.x86_64") && !has(Some(false), "6.12.0"));
    assert!(!has(None, "5.4.0-216-generic") && !has(None, "4.19.0") && !has(None, "5.7-rc1"));
    assert!(has(None, "5.8.0-63-generic") && has(None, "6.1") && has(None, "custom") && has(None, ""));
}

/// On x86-64 they enter through wrappers of their own, elsewhere through those of all others.
#[test]
fn calls_of_32_bit_programs_are_seen_or_listed() {
    let ids = ["ia32_init_module", "ia32_finit_module", "ia32_delete_module"];
    let exits = ids.map(|id| format!("{id}.exit"));
    let calls = ids.map(|id| id.replace("ia32_", ""));
    let mut facts = facts(K6_12);
    let mut set = |symbols: Option<u32>| {
        for call in &calls {
            let name = format!("__ia32_sys_{call}");
            match symbols {
                Some(symbols) => {
                    let mut function = facts.functions[&format!("__x64_sys_{call}")].clone();
                    function.symbols = symbols;
                    function.btf_args = function.btf_args.filter(|_| symbols > 0);
                    facts.functions.insert(name, function);
                }
                None => drop(facts.functions.remove(&name)),
            }
        }
        let plan = plan(&facts);
        let lost: Vec<_> = plan
            .unobserved()
            .into_iter()
            .filter(|loss| loss.contains("32-bit"))
            .collect();
        let absent = exits.iter().all(|id| plan.probe(id).unwrap().absent.is_some());
        let attached = exits.iter().all(|id| plan.probe(id).unwrap().chosen().is_some());
        (absent, attached, lost)
    };
    assert_eq!(set(Some(1)), (false, true, vec![]));
    assert_eq!(set(Some(0)), (true, false, vec![]));
    let (absent, attached, lost) = set(None);
    assert!(!absent && !attached);
    assert!(
        lost[1].starts_with("calls of finit_module by 32-bit programs (__ia32_sys_finit_module: "),
        "{lost:?}"
    );
    assert!(lost[1].ends_with("these facts do not say whether it has a symbol; not known whether this kernel has it)"));
    facts.environment.arch = "aarch64".to_owned();
    let plan = plan(&facts);
    let absent = plan.probe("ia32_finit_module.enter").unwrap().absent.as_deref();
    assert_eq!(absent, Some("not in this kernel: no x86_64 processor"));
}
