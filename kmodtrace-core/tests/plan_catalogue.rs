//! The catalogue is one list that several things are derived from: what must hold for that.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};

use kmodtrace_common::{MULTI_FUNCTIONS, functions};
use kmodtrace_core::kernel::facts::KernelFacts;
use kmodtrace_core::plan::{CATALOGUE, GLOBALS, Mechanism, programs, questions};

#[test]
fn ids_name_the_function_and_the_edge_of_their_best_candidate() {
    let mut ids = BTreeSet::new();
    for spec in CATALOGUE {
        assert!(ids.insert(spec.id), "{} twice", spec.id);
        // The last, where the first only keeps arguments for it.
        let best = spec.candidates[0].attach.last().unwrap();
        let edge = match best.mechanism {
            Mechanism::Fentry | Mechanism::Kprobe | Mechanism::KprobeMulti => "enter",
            Mechanism::RawTracepoint => "hit",
            _ => "exit",
        };
        assert_eq!(spec.id, format!("{}.{edge}", best.hook.name()));
    }
}

/// Which of the two is on `printk_sprint` follows from the kernel, which never has both.
const EITHER: [&str; 2] = ["console.hit", "printk_sprint.exit"];

/// A program that two probes may choose would be attached twice, and its records would come twice. One on kprobes serves both wrappers
/// of a system call.
#[test]
fn a_program_belongs_to_one_probe() {
    let mut owners = BTreeMap::new();
    for spec in CATALOGUE {
        for attach in spec.candidates.iter().flat_map(|candidate| candidate.attach) {
            let owner = *owners.entry(attach.program()).or_insert(spec.id);
            let shared = EITHER.contains(&owner) && EITHER.contains(&spec.id);
            assert!(
                owner == spec.id || shared || spec.id.strip_prefix("ia32_") == Some(owner),
                "{} belongs to {owner} and {}",
                attach.program(),
                spec.id
            );
        }
    }
    assert_eq!(owners.into_keys().collect::<BTreeSet<_>>(), programs());
}

/// A link of kprobe.multi has one program for each function, and an array of them that is large enough.
#[test]
fn a_function_is_behind_a_link_once() {
    for mechanism in [Mechanism::KprobeMulti, Mechanism::KretprobeMulti] {
        let mut functions = BTreeMap::new();
        for spec in CATALOGUE {
            let attachments = spec.candidates.iter().flat_map(|candidate| candidate.attach);
            for attach in attachments.filter(|attach| attach.mechanism == mechanism) {
                let other = functions.insert(attach.hook.name(), spec.id);
                let either = |id| EITHER.contains(&id) && EITHER.contains(&spec.id);
                assert!(other.is_none_or(either), "{:?} twice", attach.hook);
            }
        }
        assert!(functions.len() <= MULTI_FUNCTIONS as usize, "{}", functions.len());
    }
}

/// Debian's kernels, whose BTF was compared with what bpftool makes of it.
const DEBIAN: [&str; 4] = [
    include_str!("facts/5.10.json"),
    include_str!("facts/6.1.json"),
    include_str!("facts/6.12.json"),
    include_str!("facts/sid.json"),
];

/// A program on a return reads behind as many arguments as the table says.
#[test]
fn functions_have_as_many_arguments_as_btf_says() {
    let kernels = DEBIAN.map(|json| KernelFacts::from_json(json).unwrap());
    let programs = programs();
    // A return probe that no trampoline stands for reads behind nothing.
    let behind =
        |name: &str| programs.contains(&format!("fexit_{name}")) || programs.contains(&format!("fentry_{name}"));
    for function in functions::all().filter(|function| function.reads || behind(function.name)) {
        let counts = kernels.iter().filter_map(|facts| {
            let known = facts.functions.get(function.name)?;
            // BTF also has functions of that name that are inlined.
            known.btf_args.filter(|_| known.symbols == 1)
        });
        for count in counts {
            assert_eq!(function.args, count, "{}", function.name);
        }
    }
}

#[test]
fn an_exit_probe_reports_returns_and_an_enter_probe_entries() {
    for spec in CATALOGUE {
        for candidate in spec.candidates {
            let edge = spec.id.split('.').nth(1).unwrap();
            let returns = candidate.attach.iter().any(|attach| match attach.mechanism {
                Mechanism::Fexit | Mechanism::TracepointExit | Mechanism::Kretprobe => true,
                // Either edge of a function behind a link may stand for a tracepoint.
                Mechanism::KretprobeMulti => edge != "hit",
                _ => false,
            });
            assert_eq!(edge == "exit", returns, "{}", spec.id);
        }
    }
}

#[test]
fn what_a_probe_refers_to_exists() {
    for spec in CATALOGUE {
        assert!(
            spec.replaced_by
                .is_none_or(|id| CATALOGUE.iter().any(|other| other.id == id)),
            "{}",
            spec.id
        );
        for symbol in spec.candidates.iter().filter_map(|candidate| candidate.needs) {
            assert!(
                questions("x86_64").data_symbols.contains(symbol),
                "no global holds the address of {symbol}"
            );
        }
    }
}

/// Programs for kprobes read arguments from registers: not more than the six that every architecture passes that way. Of
/// `parse_args` none is read, only what it returns.
#[test]
fn arguments_are_in_registers() {
    for attach in CATALOGUE
        .iter()
        .flat_map(|spec| spec.candidates)
        .flat_map(|candidate| candidate.attach)
    {
        let name = attach.hook.name();
        assert!(attach.hook.args() <= 6 || name == "parse_args", "{name}");
    }
}

/// A spare probe is looked at when it is known whether the other one is attached.
#[test]
fn a_spare_probe_comes_behind_the_one_that_it_replaces() {
    let place = |id| CATALOGUE.iter().position(|spec| spec.id == id);
    let spares: Vec<_> = CATALOGUE.iter().filter(|spec| spec.spare).collect();
    assert!(!spares.is_empty());
    for spec in spares {
        assert!(place(spec.replaced_by.unwrap()) < place(spec.id), "{}", spec.id);
    }
}

#[test]
fn the_loader_needs_these_programs_and_globals() {
    let programs: Vec<String> = programs().into_iter().collect();
    let globals: Vec<String> = GLOBALS
        .iter()
        .map(|global| format!("{} {}", global.name, global.source.key()))
        .collect();
    insta::assert_snapshot!("programs", programs.join("\n"));
    insta::assert_snapshot!("globals", globals.join("\n"));
}

#[test]
fn functions_to_look_for_follow_the_architecture() {
    let functions = questions("aarch64").functions;
    assert!(functions.iter().any(|(name, _)| name == "__arm64_sys_finit_module"));
    assert!(!functions.iter().any(|(name, _)| name.starts_with("__x64")));
    assert_eq!(questions("aarch64").text_symbols().len(), functions.len() + 4);
    assert!(
        !questions("riscv64")
            .functions
            .iter()
            .any(|(name, _)| name.contains("_sys_"))
    );
}

/// BTF is searched for the function of that many arguments.
#[test]
fn a_function_has_one_count_of_arguments() {
    for arch in ["x86_64", "aarch64"] {
        let mut known = std::collections::BTreeMap::new();
        for attach in CATALOGUE
            .iter()
            .flat_map(|spec| spec.candidates)
            .flat_map(|candidate| candidate.attach)
        {
            if let Some(symbol) = attach.hook.symbol(arch) {
                let args = known.entry(symbol).or_insert(attach.hook.args());
                assert_eq!(*args, attach.hook.args(), "{}", attach.hook.name());
            }
        }
    }
}
