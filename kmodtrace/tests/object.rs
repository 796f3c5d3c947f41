//! The BPF object holds exactly the programs, maps and globals that plan and loader know by name.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};

use kmodtrace_core::analysis::drill;
use kmodtrace_core::kernel::facts::{Addresses, KernelFacts};
use kmodtrace_core::plan::{self, GlobalValue, Mechanism};
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

/// What the build script compiled: the bytes that the binary carries.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/kmodtrace.o"));

/// The maps, by the names under which the loader and aya-log look for them; those of the programs' own are here to be seen
/// when one comes or goes.
const MAPS: &[&str] = &[
    "AYA_LOGS",
    "COUNTERS",
    "ENTRIES",
    "FS_TYPES",
    "HELPERS",
    "HELPER_TASKS",
    "MESSAGE",
    "PATHS_TOLD",
    "REFUSED",
    "REQUESTS",
    "RETURNS",
    "RING",
    "SCRATCH",
    "SECOND",
    "SEQUENCE",
    "STACK_FRAMES",
    "TASKS",
    "UEVENTS",
    "WRITTEN",
];

/// The programs behind links of kprobe.multi, which jump to those of a plan.
const DISPATCHERS: [&str; 2] = ["kprobe_multi", "kretprobe_multi"];

/// A facts file that has every key: the values do not matter here.
const FACTS: &str = include_str!("../../kmodtrace-core/tests/facts/6.12.json");

/// Names and sizes of what lies in a section.
fn symbols(section: &str) -> BTreeMap<String, u64> {
    let elf = ElfFile64::<object::Endianness>::parse(OBJECT).unwrap();
    let index = elf.section_by_name(section).unwrap().index();
    let symbols = elf
        .symbols()
        .filter(|symbol| symbol.section_index() == Some(index) && symbol.is_global());
    symbols
        .map(|symbol| (symbol.name().unwrap().to_owned(), symbol.size()))
        .collect()
}

#[test]
fn programs_are_those_that_a_plan_may_choose() {
    let object = aya_obj::Object::parse(OBJECT).unwrap();
    let found: BTreeSet<String> = object.programs.keys().cloned().collect();
    let mut known = plan::programs();
    let inside = drill::MODULE_PROGRAMS.into_iter().chain(drill::KERNEL_PROGRAMS);
    known.extend(inside.chain([drill::SWITCH_PROGRAM]).map(str::to_owned));
    known.extend(DISPATCHERS.map(str::to_owned));
    assert_eq!(found, known);
}

/// aya takes the kind of a program from its section, the plan from the mechanism, and both must mean the same.
#[test]
fn programs_are_of_the_kind_that_their_mechanism_says() {
    use aya_obj::ProgramSection as Section;
    let object = aya_obj::Object::parse(OBJECT).unwrap();
    let attachments = plan::CATALOGUE
        .iter()
        .flat_map(|spec| spec.candidates)
        .flat_map(|candidate| candidate.attach);
    for attach in attachments {
        let section = &object.programs[&attach.program()].section;
        let fits = match attach.mechanism {
            Mechanism::Fentry => matches!(section, Section::FEntry { sleepable: false }),
            Mechanism::Fexit => matches!(section, Section::FExit { sleepable: false }),
            Mechanism::Kprobe | Mechanism::KprobeMulti => matches!(section, Section::KProbe),
            Mechanism::Kretprobe | Mechanism::KretprobeMulti => matches!(section, Section::KRetProbe),
            Mechanism::TracepointEnter | Mechanism::TracepointExit | Mechanism::Tracepoint => {
                matches!(section, Section::TracePoint)
            }
            Mechanism::RawTracepoint => matches!(section, Section::RawTracePoint),
        };
        assert!(fits, "{}: {section:?}", attach.program());
    }
}

#[test]
fn maps_are_those_that_the_loader_knows() {
    let found = symbols("maps");
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), MAPS);
}

/// The loader takes a value in the width of its global only, and finds out when it runs.
#[test]
fn globals_are_those_that_the_plan_gives_values_in_their_width() {
    let facts = KernelFacts::from_json(FACTS).unwrap();
    let wanted = plan::values(&facts, &Addresses::default(), &BTreeSet::new())
        .into_iter()
        .map(|(name, value)| {
            let size = match value {
                GlobalValue::U32(_) => size_of::<u32>(),
                GlobalValue::U64(_) => size_of::<u64>(),
            };
            (name.to_owned(), size as u64)
        });
    let mut wanted: BTreeMap<String, u64> = wanted.collect();
    assert_eq!(wanted.len(), plan::GLOBALS.len());
    wanted.insert(aya_log::LEVEL.to_owned(), size_of::<aya_log::Level>() as u64);
    wanted.extend(plan::KEYS.map(|name| (name.to_owned(), size_of::<u64>() as u64)));
    let mut found = symbols(".rodata");
    // Constants of the programs, which nobody sets.
    found.retain(|name, _| !CONSTANTS.contains(&name.as_str()));
    assert_eq!(found, wanted);
}

/// Read-only data of the programs' own.
const CONSTANTS: &[&str] = &["PATH_FORMAT", "STACK_FORMAT", "SYMBOL_FORMAT"];

/// The helpers that read kernel memory are for GPL-compatible programs only (`gpl_only` of `bpf_func_proto`).
#[test]
fn the_licence_gives_the_helpers() {
    let object = aya_obj::Object::parse(OBJECT).unwrap();
    assert_eq!(object.license.to_str().unwrap(), "Dual MIT/GPL");
}
